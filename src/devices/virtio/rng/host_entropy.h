// HostEntropy: random bytes from the host's kernel.
#pragma once

#include "iface/entropy.h"

namespace strata::devices::virtio {

class HostEntropy final : public iface::Entropy {
 public:
  void fill(std::span<std::byte> out) override;
};

}  // namespace strata::devices::virtio
