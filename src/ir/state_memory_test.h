// For tests: memory for a guest state, as an ExecContext wants it.
#pragma once

#include <cstring>
#include <memory>

#include "base/assert.h"
#include "ir/runtime.h"

namespace strata::ir {

/// Zeros at first.
class StateMemory {
 public:
  explicit StateMemory(size_t size) : size_(size), rooms_(new BackendRoom[2]) {
    STRATA_ASSERT(size <= sizeof(BackendRoom));
    std::memset(data(), 0, size);
  }
  StateMemory& operator=(const StateMemory& other) {
    STRATA_ASSERT(size_ == other.size_);
    std::memcpy(data(), other.data(), size_);
    return *this;
  }
  StateMemory(const StateMemory&) = delete;
  ~StateMemory() = default;

  std::byte* data() { return rooms_[1].bytes; }
  const std::byte* data() const { return rooms_[1].bytes; }

 private:
  size_t size_;
  std::unique_ptr<BackendRoom[]> rooms_;  ///< the second is the state's
};

}  // namespace strata::ir
