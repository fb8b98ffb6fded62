// The I/O APIC: 24 wires from devices become messages to local APICs (Intel 82093AA data sheet, version 0x20 registers).
#pragma once

#include <array>
#include <cstdint>

#include "devices/irq/apic_bus.h"
#include "devices/saved_state.h"
#include "iface/bus_device.h"

namespace strata::devices {

/// Wires carry "asserted" or not: the polarity bit of an entry says how the guest thinks they are wired, and changes
/// nothing here.
class IoApic final : public iface::BusDevice {
 public:
  static constexpr uint64_t default_base = 0xfec00000;
  static constexpr uint64_t page_size = 4096;
  static constexpr unsigned pins = 24;

  IoApic(ApicBus& bus, uint8_t id);

  void set_pin(unsigned pin, bool level);

  uint64_t read(uint64_t offset, unsigned size) override;
  void write(uint64_t offset, unsigned size, uint64_t value) override;

  void reset();
  void save(Writer& out) const;
  Result<void> restore(Reader& in);

 private:
  uint32_t read_register(uint8_t index) const;
  void write_register(uint8_t index, uint32_t value);
  void service_level(unsigned pin);
  void send(uint64_t entry);
  void end_of_interrupt(uint8_t vector);

  ApicBus& bus_;
  const uint8_t initial_id_;
  uint8_t id_ = 0;
  uint8_t selected_ = 0;
  uint32_t levels_ = 0;  ///< the wires
  std::array<uint64_t, pins> entries_ = {};
};

}  // namespace strata::devices
