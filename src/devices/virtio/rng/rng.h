// Rng: the virtio entropy device (virtio 1.2, section 5.4).
#pragma once

#include "devices/virtio/core/device.h"
#include "iface/entropy.h"

namespace strata::devices::virtio {

class Rng final : public Device {
 public:
  Rng(memory::AddressSpace& memory, iface::Entropy& source);

 protected:
  uint64_t device_features() const override { return 0; }
  std::span<const std::byte> config() override { return {}; }
  void serve(unsigned index) override;

 private:
  iface::Entropy& source_;
};

}  // namespace strata::devices::virtio
