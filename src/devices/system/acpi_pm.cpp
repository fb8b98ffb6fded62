// AcpiPm: status bits that are cleared by ones, the SCI, and sleep that means power off.
#include "devices/system/acpi_pm.h"

#include "base/bits.h"

namespace strata::devices {
namespace {

constexpr uint16_t power_button = 1 << 8;  // PWRBTN_STS, PWRBTN_EN
constexpr uint16_t fixed_events = power_button | 1 << 0 | 1 << 5 | 1 << 9 | 1 << 10;
constexpr uint16_t sci_enable = 1 << 0;
constexpr unsigned sleep_type_shift = 10;
constexpr uint16_t sleep_enable = 1 << 13;

}  // namespace

void AcpiPm::press_power_button() {
  status_ |= power_button;
  update();
}

void AcpiPm::update() { sci_.set((status_ & enable_ & fixed_events) != 0); }

uint64_t AcpiPm::read(uint64_t offset, unsigned) {
  const uint64_t all = uint64_t{status_} | uint64_t{enable_} << 16 | uint64_t{control_} << 32;
  return offset < port_count ? all >> (8 * offset) : 0;
}

void AcpiPm::write(uint64_t offset, unsigned size, uint64_t value) {
  for (unsigned i = 0; i < size; ++i) write_byte(offset + i, static_cast<uint8_t>(value >> (8 * i)));
  update();
  if ((control_ & sleep_enable) == 0) return;
  control_ &= static_cast<uint16_t>(~sleep_enable);  // write-only
  if (extract_bits(control_, sleep_type_shift, 3) == soft_off_type) request_(MachineRequest::power_off, 0);
}

void AcpiPm::write_byte(uint64_t offset, uint8_t value) {
  const unsigned shift = offset % 2 * 8;
  switch (offset / 2) {
    case 0: status_ &= static_cast<uint16_t>(~(value << shift)); break;
    case 1: enable_ = static_cast<uint16_t>(insert_bits(enable_, shift, 8, value)) & fixed_events; break;
    case 2: control_ = static_cast<uint16_t>(insert_bits(control_, shift, 8, value)) | sci_enable; break;
    default: break;
  }
}

void AcpiPm::reset() {
  status_ = enable_ = 0;
  control_ = sci_enable;
  update();
}

void AcpiPm::save(Writer& out) const {
  out.enter("acpi-pm", 1);
  out.put(status_, enable_, control_);
  out.leave();
}

Result<void> AcpiPm::restore(Reader& in) {
  STRATA_TRY(in.enter("acpi-pm", 1));
  in.get(status_, enable_, control_);
  STRATA_TRY(in.leave());
  update();
  return {};
}

}  // namespace strata::devices
