// The x86 I/O ports: which device answers at each of the 65,536.
#pragma once

#include <cstdint>
#include <vector>

#include "iface/bus_device.h"
#include "memory/device_lock.h"

namespace strata::memory {

class PortSpace {
 public:
  explicit PortSpace(DeviceLock& lock) : lock_(lock), owner_(port_count, nobody) {}
  /// Later ones lie above earlier ones. The device's offset 0 is `first`. What reaches past the last port is cut.
  void add(uint16_t first, uint32_t count, iface::BusDevice& device);
  void remove(iface::BusDevice& device);
  /// Size 1, 2 or 4. Nothing there: all ones, and lost. An access that crosses devices is split to bytes.
  uint32_t read(uint16_t port, unsigned size);
  void write(uint16_t port, unsigned size, uint32_t value);

 private:
  static constexpr uint32_t port_count = 0x10000;
  static constexpr uint16_t nobody = 0;
  struct Range {
    uint16_t first;
    uint32_t count;
    iface::BusDevice* device;
  };
  void claim(size_t index);
  bool whole(uint16_t port, unsigned size) const;

  DeviceLock& lock_;
  std::vector<Range> ranges_;
  std::vector<uint16_t> owner_;  ///< for each port, the range's place in ranges_ plus one
};

}  // namespace strata::memory
