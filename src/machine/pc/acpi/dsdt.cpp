// The DSDT: PCI root bridge with its windows and interrupt routes, ISA devices, processors, soft-off.
#include "machine/pc/acpi/dsdt.h"

#include <fmt/format.h>

#include "devices/pci/pci_bus.h"
#include "devices/system/acpi_pm.h"
#include "machine/pc/layout.h"

namespace strata::machine::pc::acpi {
namespace {

using namespace aml;  // NOLINT(google-build-using-namespace): terms read like ASL

/// _PRT (6.2.13): which interrupt each pin of each slot arrives at, by `interrupt_of` of the PCI line.
template <class Function>
Code route_table(Function interrupt_of) {
  constexpr unsigned pins = 4;
  std::vector<Code> routes;
  for (unsigned slot = 2; slot < devices::PciBus::slots; ++slot) {
    for (unsigned pin = 0; pin < pins; ++pin) {
      const unsigned line =
          devices::PciBus::intx_line({.slot = static_cast<uint8_t>(slot)}, static_cast<uint8_t>(pin + 1));
      routes.push_back(package({integer(slot << 16 | 0xffff), integer(pin), integer(0), integer(interrupt_of(line))}));
    }
  }
  return package(routes);
}

Code pci_root() {
  return device(
      "PCI0",
      {name("_HID", eisa_id("PNP0A03")), name("_UID", integer(0)), name("_ADR", integer(0)), name("_BBN", integer(0)),
       name("_CRS",
            resources({bus_numbers({0, 0}), io_ports(pci_config_port, 8), port_window({0x0000, pci_config_port - 1u}),
                       port_window({pci_config_port + 8u, 0xffff}), memory_window({vga_base, option_rom_base - 1}),
                       memory_window({pci_hole_base, pci_hole_end - 1})})),
       name("PRTA", route_table([](unsigned line) { return first_pirq_pin + line; })),
       name("PRTP", route_table([](unsigned line) { return pirq_irqs[line]; })),
       method("_PRT", 0, {if_else(path("\\PICF"), give_back(path("PRTA")), give_back(path("PRTP")))})});
}

Code isa_devices() {
  return scope(
      "\\_SB.PCI0",
      {device("ISA",
              {name("_ADR", integer(0x00010000)),
               device("COM1", {name("_HID", eisa_id("PNP0501")), name("_UID", integer(1)), name("_STA", integer(0xf)),
                               name("_CRS", resources({io_ports(com1_port, 8), irq(com1_irq)}))}),
               device("RTC", {name("_HID", eisa_id("PNP0B00")),
                              name("_CRS", resources({io_ports(rtc_port, 2), irq(rtc_irq)}))}),
               // What else is decoded: systems keep PCI devices off these ports.
               device("SYSR", {name("_HID", eisa_id("PNP0C02")),
                               name("_CRS", resources({io_ports(acpi_pm_port, 12), io_ports(debug_exit_port, 4),
                                                       io_ports(pic_edge_level_port, 2)}))})})});
}

Code processors(unsigned cpus) {
  Code all;
  for (unsigned i = 0; i < cpus; ++i) {
    all = join({all, device(fmt::format("C{:03X}", i), {name("_HID", string("ACPI0007")), name("_UID", integer(i))})});
  }
  return scope("\\_SB", {all});
}

}  // namespace

Code make_dsdt(unsigned cpus) {
  const Code off = integer(devices::AcpiPm::soft_off_type);
  return join({
      // _PIC (5.8.1): the system says whether it uses the PIC (0) or APICs (1).
      name("PICF", integer(0)),
      method("_PIC", 1, {store(argument(0), path("PICF"))}),
      name("_S5", package({off, off, integer(0), integer(0)})),
      scope("\\_SB", {pci_root()}),
      isa_devices(),
      processors(cpus),
  });
}

}  // namespace strata::machine::pc::acpi
