// PciBus: the functions of PCI bus 0, reached by configuration mechanism #1 (PCI 3.0, section 3.2.2.3.2).
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>

#include "devices/pci/pci_device.h"
#include "devices/saved_state.h"
#include "iface/bus_device.h"
#include "iface/irq.h"
#include "memory/address_space.h"

namespace strata::devices {

/// The board owns it, maps config_ports() at 0xcf8 and connects the four interrupt wires. With the device lock held.
class PciBus {
 public:
  static constexpr unsigned slots = 32;
  static constexpr unsigned intx_lines = 4;

  PciBus(memory::AddressSpace& memory, memory::PortSpace& ports, iface::MsiTarget& msi);
  ~PciBus();
  PciBus(const PciBus&) = delete;
  PciBus& operator=(const PciBus&) = delete;

  memory::AddressSpace& memory() { return memory_; }
  memory::PortSpace& ports() { return ports_; }
  iface::MsiTarget& msi_target() { return msi_; }

  /// CONFIG_ADDRESS and CONFIG_DATA, eight ports from 0xcf8. Byte writes to 0xcf9 go to on_reset_control.
  iface::BusDevice& config_ports() { return config_ports_; }
  void on_reset_control(iface::BusDevice& device) { config_ports_.reset_control = &device; }

  /// Functions as the guest sees them; nobody there reads as all ones.
  uint32_t read_config(uint8_t devfn, unsigned offset, unsigned size);
  void write_config(uint8_t devfn, unsigned offset, unsigned size, uint32_t value);
  PciDevice* find(PciAddress address) { return functions_[address.devfn()]; }

  /// The first slot from 2 on with nobody in it.
  std::optional<uint8_t> free_slot() const;

  /// Where INTx ends: line (slot + pin - 1) mod 4, shared by all who drive it.
  void connect_intx(unsigned line, iface::IrqLine& wire);
  static unsigned intx_line(PciAddress address, uint8_t pin) { return (address.slot + pin - 1u) % intx_lines; }

  /// What firmware does before an operating system starts: gives each BAR an address inside the windows, sets the
  /// interrupt line register by line and lets each function decode. What does not fit stays unassigned.
  struct Windows {
    uint64_t memory_base = 0, memory_size = 0;  ///< below 4 GiB
    uint32_t io_base = 0, io_size = 0;
    std::array<uint8_t, intx_lines> irqs = {};
  };
  void assign_resources(const Windows& windows);

  /// All functions, and the configuration address register.
  void reset();
  void save(Writer& out) const;
  Result<void> restore(Reader& in);
  void resume();

 private:
  friend class PciDevice;
  PciAddress attach(PciDevice& device, std::optional<PciAddress> address);
  void detach(PciDevice& device);
  void set_intx(PciAddress address, uint8_t pin, bool level);

  struct ConfigPorts final : iface::BusDevice {
    explicit ConfigPorts(PciBus& owner) : bus(owner) {}
    uint64_t read(uint64_t offset, unsigned size) override;
    void write(uint64_t offset, unsigned size, uint64_t value) override;
    /// The function and the register that CONFIG_DATA leads to; nothing when it is disabled or on another bus.
    bool selected(uint8_t* devfn, unsigned* base) const;

    PciBus& bus;
    uint32_t address = 0;
    iface::BusDevice* reset_control = nullptr;
  };

  memory::AddressSpace& memory_;
  memory::PortSpace& ports_;
  iface::MsiTarget& msi_;
  ConfigPorts config_ports_{*this};
  std::array<PciDevice*, slots* 8> functions_ = {};
  std::array<iface::IrqLine*, intx_lines> wires_ = {};
  std::array<unsigned, intx_lines> drivers_ = {};  ///< how many functions hold the line up
};

}  // namespace strata::devices
