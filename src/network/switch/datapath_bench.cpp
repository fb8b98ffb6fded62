// Frames a second through the datapath and the bridge, over cables in memory: no kernel in between.
#include <benchmark/benchmark.h>
#include <sys/socket.h>

#include "network/ports/memory.h"
#include "network/ports/stream.h"
#include "network/switch/datapath.h"

namespace strata::network {
namespace {

constexpr size_t burst = 64;

struct Lab {
  std::unique_ptr<Datapath> datapath = std::move(*Datapath::make({}));
  bridge::PortId add(const bridge::PortConfig& config) {
    const auto id = *datapath->bridge().add_port(config, Datapath::now());
    (void)datapath->plug_in(id, std::make_unique<ports::MemoryPort>(config.name));
    return id;
  }
  ports::MemoryPort& cable(bridge::PortId id) { return static_cast<ports::MemoryPort&>(*datapath->port(id)); }
  /// A frame larger than a port's MTU is a segment of many.
  void put(bridge::PortId id, bridge::MacAddress from, bridge::MacAddress to, size_t size) {
    auto frame = datapath->pool().make(size);
    if (size > 1514) {
      frame.set_offload({.needs_checksum = true,
                         .gso = iface::Offload::Gso::tcp4,
                         .header_length = 54,
                         .gso_size = 1448,
                         .checksum_start = 34,
                         .checksum_offset = 16});
    }
    to.store(frame.fill().data());
    from.store(frame.fill().data() + 6);
    store_be<uint16_t>(frame.fill().data() + 12, 0x0800);
    cable(id).put(std::move(frame));
  }
};

/// From an access port to a trunk: each frame is looked up, learnt from, queued and tagged.
void frames_over_memory(benchmark::State& state) {
  const auto size = static_cast<size_t>(state.range(0));
  Lab lab;
  const auto access = lab.add(bridge::access_port("access", 10));
  const auto trunk = lab.add(bridge::trunk_port("trunk", {10}));
  const bridge::MacAddress a(0x020000000001), b(0x020000000002);
  uint64_t sent = 0;
  for (auto _ : state) {
    for (size_t i = 0; i < burst; ++i) lab.put(access, a, b, size);
    for (size_t i = 0; i < burst / 16; ++i) lab.datapath->turn({});
    sent += lab.cable(trunk).sent().size();
    lab.cable(trunk).sent().clear();
  }
  state.SetItemsProcessed(static_cast<int64_t>(sent));
}
BENCHMARK(frames_over_memory)->Arg(64)->Arg(1514);

/// Through the bridge, a cable as a machine has it (a stream socket with offloads), and the bridge again.
void frames_over_a_socket(benchmark::State& state) {
  const auto size = static_cast<size_t>(state.range(0));
  Lab lab;
  bridge::PortConfig config[] = {bridge::access_port("near", 10), bridge::access_port("out", 10),
                                 bridge::access_port("in", 20), bridge::access_port("far", 20)};
  const auto near = lab.add(config[0]), far = lab.add(config[3]);
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return state.SkipWithError("no socket pair");
  for (const int i : {0, 1}) {
    const auto id = *lab.datapath->bridge().add_port(config[1 + i], Datapath::now());
    auto cable = ports::StreamPort::adopt("cable", UniqueFd(ends[i]), "itself", true);
    (void)lab.datapath->plug_in(id, std::move(*cable));
  }
  const bridge::MacAddress a(0x020000000001), b(0x020000000002);
  uint64_t sent = 0;
  for (auto _ : state) {
    for (size_t i = 0; i < burst; ++i) lab.put(near, a, b, size);
    lab.datapath->turn({});
    sent += lab.cable(far).sent().size();
    lab.cable(far).sent().clear();
    while (lab.datapath->turn({})) {
      sent += lab.cable(far).sent().size();
      lab.cable(far).sent().clear();
    }
  }
  state.SetItemsProcessed(static_cast<int64_t>(sent));
  state.SetBytesProcessed(static_cast<int64_t>(sent * size));
}
BENCHMARK(frames_over_a_socket)->Arg(64)->Arg(1514)->Arg(64'000);

}  // namespace
}  // namespace strata::network
