// What a request costs in the queue: found, walked, handed back.
#include <benchmark/benchmark.h>

#include "devices/virtio/core/queue.h"
#include "memory/ram.h"

namespace strata::devices::virtio {
namespace {

constexpr uint64_t descriptors = 0x1000, available = 0x2000, used = 0x3000, data = 0x8000;
constexpr uint16_t size = 256;

/// A chain of state.range(0) buffers of 4 KiB, read through and handed back.
void queue_round_trip(benchmark::State& state) {
  memory::DeviceLock lock;
  const auto ram = std::move(memory::Ram::make(4 << 20).value());
  memory::AddressSpace memory(*ram, lock);
  memory.add({.name = "ram", .base = 0, .size = ram->size(), .kind = memory::Kind::ram});
  const auto buffers = static_cast<uint16_t>(state.range(0));
  for (uint16_t i = 0; i < buffers; ++i) {
    memory.write_as<uint64_t>(descriptors + i * 16u, data + i * 4096u);
    memory.write_as<uint32_t>(descriptors + i * 16u + 8, 4096);
    memory.write_as<uint16_t>(descriptors + i * 16u + 12, i + 1 < buffers ? has_next : 0);
    memory.write_as<uint16_t>(descriptors + i * 16u + 14, static_cast<uint16_t>(i + 1));
  }
  Queue queue(memory, size);
  queue.layout() = {.size = size, .descriptors = descriptors, .available = available, .used = used};
  queue.enable(feature_bit(feature_version_1) | feature_bit(feature_event_idx));
  std::vector<std::byte> bytes(buffers * size_t{4096});
  Chain chain;
  uint16_t index = 0;
  for (auto _ : state) {
    memory.write_as<uint16_t>(available + 2, ++index);
    if (!queue.pop(chain)) state.SkipWithError(queue.problem().c_str());
    chain.read(0, bytes);
    queue.put(chain.head(), 0);
    queue.publish();
    benchmark::DoNotOptimize(queue.wants_interrupt());
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * bytes.size()));
}
BENCHMARK(queue_round_trip)->Arg(1)->Arg(16)->Arg(128);

}  // namespace
}  // namespace strata::devices::virtio
