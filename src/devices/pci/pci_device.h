// PciDevice: one function on the PCI bus; the base of every PCI device model.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "devices/pci/msix.h"
#include "devices/pci/pci_config.h"
#include "devices/saved_state.h"
#include "iface/bus_device.h"
#include "memory/address_space.h"

namespace strata::devices {

class PciBus;

/// Where a function sits on the bus.
struct PciAddress {
  uint8_t slot = 0;      ///< 0 to 31
  uint8_t function = 0;  ///< 0 to 7
  uint8_t devfn() const { return static_cast<uint8_t>(slot << 3 | function); }
};

/// Keeps the configuration space and what follows from it: which BARs are mapped where, INTx, MSI-X. A device model
/// derives from it and, in its constructor, says what it has:
///
///     VirtioPci::VirtioPci(PciBus& bus, std::optional<PciAddress> address, …)
///         : PciDevice(bus, address, {.name = "virtio-blk", .vendor = 0x1af4, .device = 0x1042, …}) {
///       add_memory_bar(4, 0x4000, registers_);              // registers_: an iface::BusDevice
///       add_msix(1, 3);                                      // BAR 1 holds table and pending bits of 3 vectors
///       common_ = add_capability(pci::vendor_specific, body); // body: what follows id and next pointer
///     }
///
/// Everything happens with the device lock held. The bus must outlive the device; the destructor unmaps it.
class PciDevice {
 public:
  struct Identity {
    std::string name;  ///< for regions, saved state and messages
    uint16_t vendor = 0;
    uint16_t device = 0;
    uint8_t revision = 0;
    uint32_t class_code = pci::unclassified;
    uint16_t subsystem_vendor = 0;
    uint16_t subsystem = 0;
    uint8_t interrupt_pin = 1;  ///< 1: INTA# … 4: INTD#, 0: none
  };

  /// Takes the first free slot when no address is given. A taken address or a full bus is a bug of the board's:
  /// check PciBus::free_slot() where users decide.
  PciDevice(PciBus& bus, std::optional<PciAddress> address, const Identity& identity);
  virtual ~PciDevice();
  PciDevice(const PciDevice&) = delete;
  PciDevice& operator=(const PciDevice&) = delete;

  const std::string& name() const { return name_; }
  PciAddress address() const { return address_; }

  /// Configuration accesses: size 1, 2 or 4, offset + size <= 256, any alignment. Override for registers with a mind of
  /// their own (virtio's pci_cfg window), and call these for all else.
  virtual uint32_t read_config(unsigned offset, unsigned size);
  virtual void write_config(unsigned offset, unsigned size, uint32_t value);

  /// To the state after power-on; overrides call this too.
  virtual void reset();

  /// Overrides call these first, inside a section of their own. After restore the BARs are mapped as they were, and the
  /// interrupt line has its level.
  virtual void save(Writer& out) const;
  virtual Result<void> restore(Reader& in);
  /// After the whole machine has been restored, RAM too: goes on with what was in flight.
  virtual void resume() {}

 protected:
  /// `size` is a power of two, at least 16 for memory and 4 for I/O. The device behind a BAR gets offsets in it. A
  /// 64-bit memory BAR takes two indexes.
  enum class BarKind : uint8_t { memory32, memory64, memory64_prefetchable };
  void add_memory_bar(unsigned index, uint64_t size, iface::BusDevice& device, BarKind kind = BarKind::memory32);
  void add_io_bar(unsigned index, uint32_t size, iface::BusDevice& device);

  /// Appends to the capability list; `body` is what follows the two header bytes, `writable` marks the bits of it that
  /// the guest may write (shorter: the rest is read-only). Returns the offset of its header in configuration space.
  unsigned add_capability(uint8_t id, std::span<const std::byte> body, std::span<const std::byte> writable = {});

  /// MSI-X with table and pending bits in a BAR of their own (32-bit memory).
  void add_msix(unsigned bar, unsigned vectors);
  bool msix_enabled() const { return msix_ && msix_->enabled(); }
  unsigned msix_vectors() const { return msix_ ? msix_->vectors() : 0; }
  void send_msix(unsigned vector);

  /// The level of the INTx wire. Not driven while the command register disables it; MSI-X or not is the device's matter.
  void set_interrupt(bool level);

  /// Whether the guest lets the device read and write memory. A device that masters the bus asks before each request.
  bool is_bus_master() const { return test_command(pci::bus_master); }
  /// The memory that the device's DMA sees. What a guest gives may point at RAM, at nothing, or at devices, this one
  /// included: where a pointer is needed take ram_pointer(), which gives RAM only.
  memory::AddressSpace& memory();

  /// Raw configuration space, for registers that the device keeps itself.
  std::span<std::byte, pci::config_size> config() { return config_; }
  /// Lets the guest write the bits of `mask` in the 32 bits at `offset`.
  void allow_config_writes(unsigned offset, uint32_t mask);

 private:
  struct Bar {
    bool present = false;
    bool is_io = false;
    bool is_64 = false;
    uint64_t size = 0;
    iface::BusDevice* device = nullptr;
    std::optional<uint64_t> mapped = {};  ///< where it is visible now
    uint32_t region = 0;                  ///< memory::AddressSpace's, while a memory BAR is mapped
  };
  friend class PciBus;  // assigns BARs as firmware does

  void declare_bar(unsigned index, const Bar& bar, uint32_t flags);
  uint64_t bar_address(unsigned index) const;
  void set_bar_address(unsigned index, uint64_t address);
  void write_byte(unsigned offset, uint8_t value);
  void config_changed();
  void update_bars();
  void update_bar(unsigned index, std::optional<uint64_t> wanted);
  void update_interrupt();
  bool test_command(uint16_t bits) const;

  PciBus& bus_;
  const std::string name_;
  PciAddress address_;
  const uint8_t pin_;
  std::array<std::byte, pci::config_size> config_ = {};
  std::array<std::byte, pci::config_size> writable_ = {};
  std::array<Bar, pci::bar_count> bars_;
  std::unique_ptr<MsixTable> msix_;
  unsigned msix_capability_ = 0;
  unsigned next_capability_ = pci::first_free;
  unsigned last_capability_ = 0;
  bool interrupt_ = false;         ///< what the device asks for
  bool interrupt_driven_ = false;  ///< what the bus sees
};

}  // namespace strata::devices
