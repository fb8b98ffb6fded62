// Copies between guest memory and values so that naturally aligned words are moved whole.
#pragma once

#include <cstddef>
#include <cstring>

namespace strata::engine {

/// As memcpy. Words of 1, 2, 4 and 8 bytes are single host accesses: another processor never sees half of one.
inline void copy_guest(void* to, const void* from, size_t size) {
  switch (size) {
    case 1: std::memcpy(to, from, 1); break;
    case 2: std::memcpy(to, from, 2); break;
    case 4: std::memcpy(to, from, 4); break;
    case 8: std::memcpy(to, from, 8); break;
    case 16: std::memcpy(to, from, 16); break;
    default: std::memcpy(to, from, size); break;
  }
}

}  // namespace strata::engine
