// Console: the virtio console device with one port (virtio 1.2, section 5.3).
#pragma once

#include <array>

#include "devices/virtio/core/device.h"
#include "iface/console.h"

namespace strata::devices::virtio {

class Console final : public Device {
 public:
  /// `host` outlives the device.
  Console(memory::AddressSpace& memory, iface::Console& host);
  ~Console() override;

  void write_config(uint64_t offset, std::span<const std::byte> in) override;

 protected:
  uint64_t device_features() const override;
  std::span<const std::byte> config() override { return config_; }
  void serve(unsigned index) override;

 private:
  void receive();
  void transmit();

  iface::Console& host_;
  std::array<std::byte, 12> config_ = {};  ///< cols, rows, max_nr_ports, emerg_wr (5.3.4)
};

}  // namespace strata::devices::virtio
