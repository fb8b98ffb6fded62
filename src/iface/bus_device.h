// A device on a bus: what a range of guest addresses or ports leads to.
#pragma once

#include <cstdint>

namespace strata::iface {

/// Called with the machine's device lock held. `offset` counts from the start of the device's range; size is 1, 2, 4
/// or 8 and never reaches past the range's end. Values are in the low bits; bits above size are zero on the way in and
/// ignored on the way out. A device must take any offset, size and value without harm.
class BusDevice {
 public:
  virtual uint64_t read(uint64_t offset, unsigned size) = 0;
  virtual void write(uint64_t offset, unsigned size, uint64_t value) = 0;

 protected:
  ~BusDevice() = default;
};

}  // namespace strata::iface
