// ACPI fixed hardware: PM1a event and control registers, power button and soft-off (ACPI 6.5, section 4.8.3).
#pragma once

#include "devices/saved_state.h"
#include "devices/system/machine_request.h"
#include "iface/bus_device.h"
#include "iface/irq.h"

namespace strata::devices {

/// Six ports: PM1_STS (0), PM1_EN (2), PM1_CNT (4), 16 bits each.
class AcpiPm final : public iface::BusDevice {
 public:
  static constexpr unsigned port_count = 6;
  static constexpr uint8_t soft_off_type = 5;  ///< SLP_TYP of _S5, as the DSDT says

  AcpiPm(iface::IrqLine& sci, RequestMachine request) : sci_(sci), request_(std::move(request)) {}

  /// A press of the power button.
  void press_power_button();

  uint64_t read(uint64_t offset, unsigned size) override;
  void write(uint64_t offset, unsigned size, uint64_t value) override;

  void reset();
  void save(Writer& out) const;
  Result<void> restore(Reader& in);

 private:
  void write_byte(uint64_t offset, uint8_t value);
  void update();

  iface::IrqLine& sci_;
  RequestMachine request_;
  uint16_t status_ = 0;
  uint16_t enable_ = 0;
  uint16_t control_ = 1;  ///< SCI_EN: the machine has no legacy mode to leave
};

}  // namespace strata::devices
