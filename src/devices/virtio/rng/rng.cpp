// Fills the driver's buffers with random bytes.
#include "devices/virtio/rng/rng.h"

#include <algorithm>
#include <array>

namespace strata::devices::virtio {
namespace {

constexpr uint16_t queue_sizes[] = {64};
constexpr uint64_t most_bytes = 4096;  // for one request; a driver that wants more asks again (5.4.6.2)

}  // namespace

Rng::Rng(memory::AddressSpace& memory, iface::Entropy& source)
    : Device("virtio-rng", DeviceType::rng, memory, queue_sizes), source_(source) {}

void Rng::serve(unsigned index) {
  Chain chain;
  std::array<std::byte, most_bytes> bytes;
  while (next(index, chain)) {
    const auto wanted = std::span(bytes).first(std::min(chain.writable_size(), most_bytes));
    source_.fill(wanted);
    queue(index).put(chain.head(), static_cast<uint32_t>(chain.write(0, wanted)));
  }
  finish(index);
}

}  // namespace strata::devices::virtio
