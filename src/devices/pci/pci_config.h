// Names of the configuration space of a PCI function (PCI Local Bus Specification 3.0, chapter 6).
#pragma once

#include <cstdint>

namespace strata::devices::pci {

inline constexpr unsigned config_size = 256;
inline constexpr unsigned bar_count = 6;

/// Offsets of the type 0 header (6.1).
enum Offset : uint8_t {
  vendor_id = 0x00,
  device_id = 0x02,
  command = 0x04,
  status = 0x06,
  revision_id = 0x08,
  class_code = 0x09,  ///< three bytes: programming interface, subclass, class
  cache_line_size = 0x0c,
  latency_timer = 0x0d,
  header_type = 0x0e,
  bar0 = 0x10,
  subsystem_vendor_id = 0x2c,
  subsystem_id = 0x2e,
  capabilities = 0x34,
  interrupt_line = 0x3c,
  interrupt_pin = 0x3d,
  first_free = 0x40,  ///< where capabilities begin
};

/// Bits of the command register (6.2.2).
enum Command : uint16_t {
  io_space = 1 << 0,
  memory_space = 1 << 1,
  bus_master = 1 << 2,
  parity_response = 1 << 6,
  serr_enable = 1 << 8,
  interrupt_disable = 1 << 10,
};

/// Bits of the status register (6.2.3).
enum Status : uint16_t {
  interrupt_status = 1 << 3,
  capability_list = 1 << 4,
};

enum CapabilityId : uint8_t { vendor_specific = 0x09, msi_x = 0x11 };

inline constexpr uint8_t multifunction = 0x80;  ///< in header_type

/// Class codes in use, as the three bytes at class_code.
enum ClassCode : uint32_t {
  storage_scsi = 0x010000,
  storage_other = 0x018000,
  network_ethernet = 0x020000,
  display_vga = 0x030000,
  bridge_host = 0x060000,
  bridge_isa = 0x060100,
  communication_other = 0x078000,
  system_other = 0x088000,
  unclassified = 0xff0000,
};

}  // namespace strata::devices::pci
