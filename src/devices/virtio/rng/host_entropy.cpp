// getentropy(), which is getrandom(2) on Linux and there under WebAssembly too.
#include "devices/virtio/rng/host_entropy.h"

#include <unistd.h>

#include <algorithm>

#include "base/assert.h"

namespace strata::devices::virtio {

void HostEntropy::fill(std::span<std::byte> out) {
  constexpr size_t most = 256;  // of one call
  while (!out.empty()) {
    const auto part = out.first(std::min(out.size(), most));
    // It fails only for a bad buffer or on kernels without getrandom(2), older than any we run on.
    STRATA_ASSERT(getentropy(part.data(), part.size()) == 0);
    out = out.subspan(part.size());
  }
}

}  // namespace strata::devices::virtio
