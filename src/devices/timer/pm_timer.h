// The ACPI power management timer: a 32-bit counter at 3.579545 MHz (ACPI 6.5, section 4.8.3.3).
#pragma once

#include "iface/bus_device.h"
#include "iface/clock.h"

namespace strata::devices {

/// Has no state: it is the clock. Its carry raises no interrupt (TMR_STS stays clear), which ACPI allows where
/// TMR_VAL_EXT says 32 bits and no system sleeps that long between two looks.
class PmTimer final : public iface::BusDevice {
 public:
  static constexpr uint64_t frequency = 3'579'545;  ///< Hz

  explicit PmTimer(iface::Clock& clock) : clock_(clock) {}

  uint64_t read(uint64_t offset, unsigned) override { return offset < 4 ? value() >> (8 * offset) : 0; }
  void write(uint64_t, unsigned, uint64_t) override {}  // read-only

 private:
  uint32_t value() const {
    constexpr uint64_t second_ns = 1'000'000'000;
    return static_cast<uint32_t>(static_cast<unsigned __int128>(clock_.now()) * frequency / second_ns);
  }

  iface::Clock& clock_;
};

}  // namespace strata::devices
