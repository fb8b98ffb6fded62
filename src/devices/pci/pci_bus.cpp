// PciBus: who sits where, configuration accesses, interrupt wires, and the assignment of addresses.
#include "devices/pci/pci_bus.h"

#include <algorithm>

#include "base/assert.h"
#include "base/bits.h"

namespace strata::devices {
namespace {

constexpr uint64_t data_port = 4;  // CONFIG_DATA is at 0xcfc, four above CONFIG_ADDRESS
constexpr uint64_t reset_control_port = 1;
constexpr uint32_t address_enable = 1u << 31;
constexpr uint32_t address_writable = 0x80fffffc;

uint64_t all_ones(unsigned size) { return low_mask(8 * size); }

}  // namespace

PciBus::PciBus(memory::AddressSpace& memory, memory::PortSpace& ports, iface::MsiTarget& msi)
    : memory_(memory), ports_(ports), msi_(msi) {}

PciBus::~PciBus() = default;

PciAddress PciBus::attach(PciDevice& device, std::optional<PciAddress> address) {
  if (!address) {
    const auto slot = free_slot();
    STRATA_ASSERT(slot.has_value(), "the PCI bus is full");
    address = PciAddress{.slot = *slot};
  }
  STRATA_ASSERT(address->slot < slots && address->function < 8 && !functions_[address->devfn()]);
  functions_[address->devfn()] = &device;
  if (address->function != 0) {
    PciDevice* first = find({.slot = address->slot});
    STRATA_ASSERT(first, "function 0 comes first");
    first->config()[pci::header_type] |= std::byte{pci::multifunction};
  }
  return *address;
}

void PciBus::detach(PciDevice& device) { std::ranges::replace(functions_, &device, nullptr); }

std::optional<uint8_t> PciBus::free_slot() const {
  for (uint8_t slot = 2; slot < slots; ++slot) {
    if (!functions_[PciAddress{.slot = slot}.devfn()]) return slot;
  }
  return std::nullopt;
}

void PciBus::connect_intx(unsigned line, iface::IrqLine& wire) {
  STRATA_ASSERT(line < intx_lines);
  wires_[line] = &wire;
}

void PciBus::set_intx(PciAddress address, uint8_t pin, bool level) {
  const unsigned line = intx_line(address, pin);
  STRATA_ASSERT(level || drivers_[line] > 0);
  drivers_[line] += level ? 1 : -1;
  if (wires_[line]) wires_[line]->set(drivers_[line] > 0);
}

uint32_t PciBus::read_config(uint8_t devfn, unsigned offset, unsigned size) {
  PciDevice* device = functions_[devfn];
  if (!device || offset + size > pci::config_size) return static_cast<uint32_t>(all_ones(size));
  return device->read_config(offset, size);
}

void PciBus::write_config(uint8_t devfn, unsigned offset, unsigned size, uint32_t value) {
  PciDevice* device = functions_[devfn];
  if (device && offset + size <= pci::config_size) device->write_config(offset, size, value);
}

void PciBus::assign_resources(const Windows& windows) {
  uint64_t next_memory = windows.memory_base;
  uint32_t next_io = windows.io_base;
  for (PciDevice* device : functions_) {
    if (!device) continue;
    for (unsigned i = 0; i < pci::bar_count; ++i) {
      const PciDevice::Bar& bar = device->bars_[i];
      if (!bar.present) continue;
      uint64_t place = align_up(bar.is_io ? next_io : next_memory, bar.size);
      const uint64_t end = bar.is_io ? windows.io_base + windows.io_size : windows.memory_base + windows.memory_size;
      if (place + bar.size > end) continue;
      device->set_bar_address(i, place);
      place += bar.size;
      bar.is_io ? void(next_io = static_cast<uint32_t>(place)) : void(next_memory = place);
    }
    if (device->pin_ != 0) {
      device->write_config(pci::interrupt_line, 1, windows.irqs[intx_line(device->address_, device->pin_)]);
    }
    const uint32_t command = device->read_config(pci::command, 2);
    device->write_config(pci::command, 2, command | pci::io_space | pci::memory_space);
  }
}

void PciBus::reset() {
  config_ports_.address = 0;
  for (PciDevice* device : functions_) {
    if (device) device->reset();
  }
}

void PciBus::save(Writer& out) const {
  out.enter("pci-bus", 1);
  out.put(config_ports_.address);
  for (unsigned i = 0; i < functions_.size(); ++i) {
    const PciDevice* device = functions_[i];
    if (!device) continue;
    out.enter(device->name(), 1);
    out.put(static_cast<uint8_t>(i));
    device->save(out);
    out.leave();
  }
  out.leave();
}

Result<void> PciBus::restore(Reader& in) {
  STRATA_TRY(in.enter("pci-bus", 1));
  in.get(config_ports_.address);
  for (unsigned i = 0; i < functions_.size(); ++i) {
    PciDevice* device = functions_[i];
    if (!device) continue;
    STRATA_TRY(in.enter(device->name(), 1));
    if (in.get<uint8_t>() != i) in.reject("it sat in another slot");
    STRATA_TRY(device->restore(in));
    STRATA_TRY(in.leave());
  }
  return in.leave();
}

void PciBus::resume() {
  for (PciDevice* device : functions_) {
    if (device) device->resume();
  }
}

bool PciBus::ConfigPorts::selected(uint8_t* devfn, unsigned* base) const {
  *devfn = static_cast<uint8_t>(address >> 8);
  *base = address & 0xfc;
  return (address & address_enable) != 0 && extract_bits(address, 16, 8) == 0;
}

uint64_t PciBus::ConfigPorts::read(uint64_t offset, unsigned size) {
  if (offset < data_port) {
    // Only 32-bit accesses reach the address register; smaller ones pass through to the ports behind it.
    if (offset == 0 && size == 4) return address;
    if (offset == reset_control_port && size == 1 && reset_control) return reset_control->read(0, 1);
    return all_ones(size);
  }
  uint8_t devfn = 0;
  unsigned base = 0;
  if (!selected(&devfn, &base)) return all_ones(size);
  return bus.read_config(devfn, base + static_cast<unsigned>(offset - data_port), size);
}

void PciBus::ConfigPorts::write(uint64_t offset, unsigned size, uint64_t value) {
  if (offset < data_port) {
    if (offset == 0 && size == 4) address = static_cast<uint32_t>(value) & address_writable;
    if (offset == reset_control_port && size == 1 && reset_control) reset_control->write(0, 1, value);
    return;
  }
  uint8_t devfn = 0;
  unsigned base = 0;
  if (!selected(&devfn, &base)) return;
  bus.write_config(devfn, base + static_cast<unsigned>(offset - data_port), size, static_cast<uint32_t>(value));
}

}  // namespace strata::devices
