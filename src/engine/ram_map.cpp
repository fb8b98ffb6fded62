// Copies the AddressSpace's RAM windows and answers physical accesses from them.
#include "engine/ram_map.h"

#include <atomic>
#include <cstring>
#include <mutex>

#include "base/bits.h"
#include "engine/copy.h"

namespace strata::engine {

void RamMap::refresh() {
  const std::lock_guard guard(space_.lock());
  windows_.clear();
  last_hit_ = 0;
  for (uint64_t address = 0;;) {
    const memory::Found found = space_.find(address);
    const uint64_t last = address + (found.left - 1);
    if (found.region != nullptr && found.region->kind != memory::Kind::device)
      windows_.push_back(
          {address, last, ram().at(found.region->ram_offset + found.offset), found.region->kind == memory::Kind::rom});
    if (last >= ~uint64_t{0} - 1) break;  // a `left` of the whole space is cut by one
    address = last + 1;
  }
}

const RamMap::Window* RamMap::find(uint64_t address, uint64_t size) {
  if (last_hit_ < windows_.size() && windows_[last_hit_].holds(address, size)) return &windows_[last_hit_];
  for (size_t i = 0; i < windows_.size(); ++i) {
    if (!windows_[i].holds(address, size)) continue;
    last_hit_ = i;
    return &windows_[i];
  }
  return nullptr;
}

void RamMap::read(uint64_t address, void* out, unsigned size) {
  if (size == 0) return;
  if (const Window* window = find(address, size)) copy_guest(out, window->at(address), size);
  else space_.read(address, {static_cast<std::byte*>(out), size});
}

void RamMap::write(uint64_t address, const void* in, unsigned size) {
  if (size == 0) return;
  const Window* window = find(address, size);
  if (window == nullptr) {
    space_.write(address, {static_cast<const std::byte*>(in), size});
  } else if (!window->rom) {
    copy_guest(window->at(address), in, size);
    ram().note_write(offset_of(window->at(address)), size);
  }
}

bool RamMap::compare_exchange(uint64_t address, unsigned size, uint64_t expected, uint64_t desired) {
  const Window* window = find(address, size);
  if (window == nullptr || address % size != 0) return compare_exchange_slow(address, size, expected, desired);
  std::byte* host = window->at(address);
  bool done = false;
  if (window->rom) {  // what is never changed would be tried for ever
    uint64_t value = 0;
    std::memcpy(&value, host, size);
    return value == (expected & low_mask(8 * size));
  }
  if (size == 8) {
    done = std::atomic_ref(*reinterpret_cast<uint64_t*>(host)).compare_exchange_strong(expected, desired);
  } else {
    auto narrow = static_cast<uint32_t>(expected);
    done = std::atomic_ref(*reinterpret_cast<uint32_t*>(host))
               .compare_exchange_strong(narrow, static_cast<uint32_t>(desired));
  }
  if (done) ram().note_write(offset_of(host), size);
  return done;
}

// Page tables in a device's memory, or across two regions: with the lock held nobody comes between.
bool RamMap::compare_exchange_slow(uint64_t address, unsigned size, uint64_t expected, uint64_t desired) {
  const std::lock_guard guard(space_.lock());
  uint64_t value = 0;
  space_.read(address, {reinterpret_cast<std::byte*>(&value), size});
  if (value != (expected & low_mask(8 * size))) return false;
  space_.write(address, {reinterpret_cast<const std::byte*>(&desired), size});
  return true;
}

}  // namespace strata::engine
