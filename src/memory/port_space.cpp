// Finds the device of a port in a table and carries the access there.
#include "memory/port_space.h"

#include <algorithm>
#include <mutex>

#include "base/assert.h"
#include "base/bits.h"

namespace strata::memory {

void PortSpace::add(uint16_t first, uint32_t count, iface::BusDevice& device) {
  const std::lock_guard guard(lock_);
  STRATA_ASSERT(ranges_.size() < 0xffff);
  ranges_.push_back({first, std::min(count, port_count - first), &device});
  claim(ranges_.size() - 1);
}

void PortSpace::remove(iface::BusDevice& device) {
  const std::lock_guard guard(lock_);
  std::erase_if(ranges_, [&device](const Range& range) { return range.device == &device; });
  std::fill(owner_.begin(), owner_.end(), nobody);
  for (size_t index = 0; index < ranges_.size(); ++index) claim(index);
}

void PortSpace::claim(size_t index) {
  const Range& range = ranges_[index];
  std::fill_n(owner_.begin() + range.first, range.count, static_cast<uint16_t>(index + 1));
}

/// Whether all bytes of the access are the first one's.
bool PortSpace::whole(uint16_t port, unsigned size) const {
  if (port + size > port_count) return false;
  const auto first = owner_.begin() + port;
  return std::all_of(first + 1, first + size, [first](uint16_t owner) { return owner == *first; });
}

uint32_t PortSpace::read(uint16_t port, unsigned size) {
  const std::lock_guard guard(lock_);
  const uint32_t mask = static_cast<uint32_t>(low_mask(8 * size));
  if (whole(port, size)) {
    if (owner_[port] == nobody) return mask;
    const Range& range = ranges_[owner_[port] - 1u];
    return static_cast<uint32_t>(range.device->read(port - uint32_t{range.first}, size)) & mask;
  }
  uint32_t value = 0;
  for (unsigned i = 0; i < size; ++i) {
    const uint32_t byte = port + i < port_count ? read(static_cast<uint16_t>(port + i), 1) : 0xff;
    value |= byte << (8 * i);
  }
  return value;
}

void PortSpace::write(uint16_t port, unsigned size, uint32_t value) {
  const std::lock_guard guard(lock_);
  value &= static_cast<uint32_t>(low_mask(8 * size));
  if (whole(port, size)) {
    if (owner_[port] == nobody) return;
    const Range& range = ranges_[owner_[port] - 1u];
    range.device->write(port - uint32_t{range.first}, size, value);
    return;
  }
  for (unsigned i = 0; i < size && port + i < port_count; ++i)
    write(static_cast<uint16_t>(port + i), 1, value >> (8 * i) & 0xff);
}

}  // namespace strata::memory
