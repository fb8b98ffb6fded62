// VirtioPci: a virtio device as a PCI function (virtio 1.2, section 4.1, without the legacy interface).
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "devices/pci/pci.h"
#include "devices/virtio/core/device.h"

namespace strata::devices::virtio {

class VirtioPci final : public PciDevice, private Interrupts {
 public:
  VirtioPci(PciBus& bus, std::optional<PciAddress> address, std::unique_ptr<Device> device);
  ~VirtioPci() override;

  Device& device() { return *device_; }

  uint32_t read_config(unsigned offset, unsigned size) override;
  void write_config(unsigned offset, unsigned size, uint32_t value) override;
  void reset() override;
  void save(Writer& out) const override;
  Result<void> restore(Reader& in) override;
  void resume() override { device_->resume(); }

  /// What one BAR holds, by offset: each structure has a page of it.
  static constexpr unsigned registers_bar = 4;
  static constexpr unsigned msix_bar = 1;
  static constexpr uint64_t bar_size = 0x4000;
  static constexpr uint32_t common_offset = 0x0000;
  static constexpr uint32_t isr_offset = 0x1000;
  static constexpr uint32_t device_offset = 0x2000;
  static constexpr uint32_t notify_offset = 0x3000;
  static constexpr uint32_t structure_size = 0x1000;
  static constexpr uint32_t notify_multiplier = 4;

 private:
  /// The contents of the BAR.
  struct Registers final : iface::BusDevice {
    explicit Registers(VirtioPci& of) : owner(of) {}
    uint64_t read(uint64_t offset, unsigned size) override { return owner.read_register(offset, size); }
    void write(uint64_t offset, unsigned size, uint64_t value) override { owner.write_register(offset, size, value); }
    VirtioPci& owner;
  };

  static constexpr uint16_t no_vector = 0xffff;
  static constexpr size_t common_size = 0x40;
  /// The common configuration structure (4.1.4.3) as the driver reads it.
  using Common = std::array<std::byte, common_size>;

  void add_structures();
  unsigned add_structure(uint8_t type, uint32_t offset, uint32_t length, std::span<const std::byte> more = {});
  void add_window();

  uint64_t read_register(uint64_t offset, unsigned size);
  void write_register(uint64_t offset, unsigned size, uint64_t value);
  Common read_common();
  void write_common(uint64_t offset, unsigned size, uint64_t value);
  void apply_common(unsigned field, uint64_t value);
  void write_queue_field(unsigned field, uint64_t value);
  uint8_t take_isr();
  uint16_t valid_vector(uint64_t vector) const;

  void access_window(unsigned offset, unsigned size, bool writing);

  void queue_used(unsigned queue) override;
  void configuration_changed() override;
  bool may_master() override { return is_bus_master(); }
  void interrupt(uint16_t vector, uint8_t isr_bit);
  void reset_transport();

  Registers registers_{*this};
  std::unique_ptr<Device> device_;
  unsigned window_ = 0;  ///< where the pci_cfg capability stands (4.1.4.9)
  uint32_t device_feature_select_ = 0;
  uint32_t driver_feature_select_ = 0;
  uint64_t driver_features_ = 0;
  uint16_t queue_select_ = 0;
  uint16_t config_vector_ = no_vector;
  std::vector<uint16_t> queue_vectors_;
  uint8_t isr_ = 0;
};

}  // namespace strata::devices::virtio
