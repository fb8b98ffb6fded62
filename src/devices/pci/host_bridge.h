// The two functions that every PC of this kind shows at slots 0 and 1: Intel's 440FX host bridge and PIIX3 ISA bridge.
#pragma once

#include "devices/pci/pci_device.h"

namespace strata::devices {

/// Does nothing by itself: systems look for it to believe that there is a PCI bus.
class HostBridge final : public PciDevice {
 public:
  explicit HostBridge(PciBus& bus)
      : PciDevice(bus, PciAddress{.slot = 0},
                  {.name = "host-bridge",
                   .vendor = 0x8086,
                   .device = 0x1237,
                   .revision = 2,
                   .class_code = pci::bridge_host,
                   .subsystem_vendor = 0x1af4,
                   .subsystem = 0x1100,
                   .interrupt_pin = 0}) {}
};

/// The way to the ISA devices. Its PIRQ route registers can be read and written, but the routes are fixed: the board
/// wires the four PCI lines to the PIC and the IO-APIC as its ACPI tables say.
class IsaBridge final : public PciDevice {
 public:
  explicit IsaBridge(PciBus& bus)
      : PciDevice(bus, PciAddress{.slot = 1},
                  {.name = "isa-bridge",
                   .vendor = 0x8086,
                   .device = 0x7000,
                   .class_code = pci::bridge_isa,
                   .subsystem_vendor = 0x1af4,
                   .subsystem = 0x1100,
                   .interrupt_pin = 0}) {
    allow_config_writes(pirq_routes, 0x8f8f8f8f);
  }

 private:
  static constexpr unsigned pirq_routes = 0x60;
};

}  // namespace strata::devices
