// Bytes between the port's two queues and the host's console.
#include "devices/virtio/console/console.h"

#include <algorithm>

namespace strata::devices::virtio {
namespace {

constexpr uint16_t queue_sizes[] = {64, 64};
constexpr unsigned receive_queue = 0;
constexpr unsigned transmit_queue = 1;
constexpr unsigned feature_emergency_write = 2;
constexpr uint64_t emergency_write_offset = 8;
constexpr uint64_t piece_size = 4096;
constexpr uint64_t most_output = 1 << 20;  // of one request: the machine stands still while it is printed

}  // namespace

Console::Console(memory::AddressSpace& memory, iface::Console& host)
    : Device("virtio-console", DeviceType::console, memory, queue_sizes), host_(host) {
  host_.on_input([this] { notify(receive_queue); });
}

Console::~Console() {
  host_.on_input([] {});
}

uint64_t Console::device_features() const { return feature_bit(feature_emergency_write); }

// 5.3.4: a character for drivers that have set up nothing yet.
void Console::write_config(uint64_t offset, std::span<const std::byte> in) {
  if (offset == emergency_write_offset && !in.empty()) host_.write(in.first(1));
}

void Console::serve(unsigned index) { index == receive_queue ? receive() : transmit(); }

void Console::receive() {
  Chain chain;
  std::array<std::byte, piece_size> bytes;
  while (next(receive_queue, chain)) {
    if (chain.writable_size() == 0) return reject(receive_queue, "a request for input without room for any");
    const size_t count = host_.read(std::span(bytes).first(std::min(chain.writable_size(), piece_size)));
    if (count == 0) {
      queue(receive_queue).unpop(chain);  // for what is typed later
      break;
    }
    queue(receive_queue).put(chain.head(), static_cast<uint32_t>(chain.write(0, std::span(bytes).first(count))));
  }
  finish(receive_queue);
}

void Console::transmit() {
  Chain chain;
  std::array<std::byte, piece_size> bytes;
  while (next(transmit_queue, chain)) {
    if (chain.readable_size() > most_output) return reject(transmit_queue, "more than 1 MiB of output in one request");
    for (uint64_t at = 0; at < chain.readable_size();) {
      const size_t count = chain.read(at, bytes);
      host_.write(std::span(bytes).first(count));
      at += count;
    }
    queue(transmit_queue).put(chain.head(), 0);
  }
  finish(transmit_queue);
}

}  // namespace strata::devices::virtio
