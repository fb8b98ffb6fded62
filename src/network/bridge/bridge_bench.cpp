// 64-octet frames between memory ports: what the bridge costs a frame, with the copy into a buffer and the copy out.
#include <benchmark/benchmark.h>

#include <array>
#include <cstring>
#include <random>

#include "network/bridge/bridge.h"

namespace strata::network::bridge {
namespace {

constexpr std::size_t batch_size = 32;
constexpr std::size_t frame_size = 60;  // and 4 of the FCS, which no virtual port carries

/// A port in memory: takes a frame by copying it out.
class MemoryPort final : public Sink {
 public:
  std::size_t send(std::span<Frame> frames) override {
    for (Frame& frame : frames) {
      const Frame mine = std::move(frame);
      mine.copy_to(std::span(to_).first(mine.size()));
    }
    taken += frames.size();
    return frames.size();
  }
  std::size_t taken = 0;

 private:
  std::array<std::byte, 2048> to_;
};

MacAddress station(std::size_t index) { return MacAddress(0x0200'0000'0000 + index); }

using Octets = std::array<std::byte, frame_size>;

Octets octets_of(MacAddress to, MacAddress from, Vid vid) {
  Octets octets{};
  to.store(octets.data());
  from.store(octets.data() + 6);
  std::size_t at = 12;
  if (vid != no_vid) {
    store_be<std::uint16_t>(octets.data() + 12, 0x8100);
    store_be<std::uint16_t>(octets.data() + 14, vid);
    at = 16;
  }
  store_be<std::uint16_t>(octets.data() + at, 0x0800);
  return octets;
}

struct Switch {
  FramePool pool;
  std::unique_ptr<Bridge> bridge = std::move(Bridge::make(pool).value());
  Time now = std::chrono::hours(1);
  MemoryPort sink;

  void receive(PortId port, std::span<const Octets> octets) {
    std::array<Frame, batch_size> frames;
    for (std::size_t i = 0; i < octets.size(); ++i) frames[i] = pool.copy(octets[i]);
    bridge->receive(port, std::span(frames).first(octets.size()), now);
  }
  void transmit() {
    const PortSet ready = bridge->ready();
    ready.for_each([&](unsigned port) { bridge->transmit(static_cast<PortId>(port), SIZE_MAX, sink, now); });
  }
};

void report(benchmark::State& state, const Switch& test, std::size_t frames_out) {
  if (test.sink.taken != frames_out) state.SkipWithError("frames were lost");
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(batch_size));
}

// From one port to the other, between as many stations as the argument says.
void forward(benchmark::State& state, const PortConfig& from, const PortConfig& to, Vid vid) {
  Switch test;
  const auto in = test.bridge->add_port(from, test.now).value(), out = test.bridge->add_port(to, test.now).value();
  const auto stations = static_cast<std::size_t>(state.range(0));
  const Vid back = to.accept == FrameTypes::untagged ? no_vid : Vid{10};
  for (std::size_t i = 0; i < stations; ++i)
    test.receive(out, std::array<Octets, 1>{octets_of(station(1'000'000 + i), station(2'000'000 + i), back)});
  test.transmit();
  std::vector<Octets> frames;
  std::minstd_rand random;
  for (std::size_t i = 0; i < std::max(stations, batch_size); ++i)
    frames.push_back(
        octets_of(station(2'000'000 + random() % stations), station(1'000'000 + random() % stations), vid));
  test.sink.taken = 0;
  std::size_t at = 0;
  for (auto _ : state) {
    test.receive(in, std::span(frames).subspan(at, batch_size));
    test.transmit();
    at = at + 2 * batch_size <= frames.size() ? at + batch_size : 0;
  }
  report(state, test, state.iterations() * batch_size);
  benchmark::DoNotOptimize(out);
}

void BM_AccessToAccess(benchmark::State& state) { forward(state, access_port("a", 10), access_port("b", 10), no_vid); }
void BM_AccessToTrunk(benchmark::State& state) {
  forward(state, access_port("a", 10), trunk_port("b", VlanSet{10}), no_vid);
}
void BM_TrunkToAccess(benchmark::State& state) {
  forward(state, trunk_port("a", VlanSet{10}), access_port("b", 10), 10);
}
void BM_TrunkToTrunk(benchmark::State& state) {
  forward(state, trunk_port("a", VlanSet{10}), trunk_port("b", VlanSet{10}), 10);
}
BENCHMARK(BM_AccessToAccess)->Arg(1)->Arg(1000)->Arg(30000);
BENCHMARK(BM_AccessToTrunk)->Arg(1)->Arg(1000)->Arg(30000);
BENCHMARK(BM_TrunkToAccess)->Arg(1)->Arg(1000)->Arg(30000);
BENCHMARK(BM_TrunkToTrunk)->Arg(1)->Arg(1000)->Arg(30000);

// Broadcasts to as many ports as the argument says; a frame in counts once.
void BM_Flood(benchmark::State& state) {
  Switch test;
  const auto in = test.bridge->add_port(access_port("in", 10), test.now).value();
  const auto ports = static_cast<std::size_t>(state.range(0));
  for (std::size_t i = 0; i < ports; ++i)
    (void)test.bridge->add_port(access_port(fmt::format("p{}", i), 10), test.now).value();
  const std::vector frames(batch_size, octets_of(MacAddress(0xffff'ffff'ffff), station(1), no_vid));
  for (auto _ : state) {
    test.receive(in, frames);
    test.transmit();
  }
  report(state, test, state.iterations() * batch_size * ports);
}
BENCHMARK(BM_Flood)->Arg(2)->Arg(16)->Arg(256);

// Every frame from another source: a MAC flood against a full database.
void BM_AddressFlood(benchmark::State& state) {
  Switch test;
  const auto in = test.bridge->add_port(access_port("in", 10), test.now).value();
  (void)test.bridge->add_port(access_port("out", 10), test.now).value();
  std::vector frames(batch_size, octets_of(station(0), station(0), no_vid));
  std::uint32_t next = 1;
  for (auto _ : state) {
    for (auto& frame : frames) store_be<std::uint32_t>(frame.data() + 8, next++);
    test.receive(in, frames);
    test.transmit();
  }
  report(state, test, state.iterations() * batch_size);
}
BENCHMARK(BM_AddressFlood);

// The largest frame, with its offload, in and out: what a 64 KiB segment costs without its copies.
void BM_SharedSegment(benchmark::State& state) {
  Switch test;
  const auto in = test.bridge->add_port(access_port("a", 10), test.now).value();
  const auto out = test.bridge->add_port(trunk_port("b", VlanSet{10}), test.now).value();
  Frame segment = test.pool.make(65'226);
  const auto head = octets_of(station(1), station(2), no_vid);
  std::memcpy(segment.fill().data(), head.data(), head.size());
  segment.set_offload({.needs_checksum = true,
                       .gso = Offload::Gso::tcp4,
                       .header_length = 66,
                       .gso_size = 1448,
                       .checksum_start = 34,
                       .checksum_offset = 16});
  struct Forget final : Sink {
    std::size_t send(std::span<Frame> frames) override {
      for (Frame& frame : frames) const Frame mine = std::move(frame);
      return frames.size();
    }
  } forget;
  for (auto _ : state) {
    Frame frame = segment.share();
    test.bridge->receive(in, {&frame, 1}, test.now);
    test.bridge->transmit(out, SIZE_MAX, forget, test.now);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * 65'226);
}
BENCHMARK(BM_SharedSegment);

}  // namespace
}  // namespace strata::network::bridge
