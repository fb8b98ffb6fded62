// Control protocols of a bridge under frames that are the fuzzer's: BPDUs, MRPDUs, IGMP and MLD, whole or garbage.
#include <algorithm>
#include <array>
#include <vector>

#include "base/assert.h"
#include "base/internet_checksum.h"
#include "network/bridge/bridge.h"
#include "network/protocols/control_plane.h"
#include "tests/fuzz/bytes.h"

using namespace strata;
using namespace strata::network;
using protocols::ControlPlane;
using protocols::Time;

namespace {

using Octets = std::vector<std::byte>;

constexpr std::array<std::uint8_t, 17> bpdu_start = {0x01, 0x80, 0xc2, 0, 0, 0, 2, 0, 0, 0, 0, 9, 0, 0, 0x42, 0x42, 3};
constexpr std::array<std::uint8_t, 14> mrpdu_start = {0x01, 0x80, 0xc2, 0, 0, 0x21, 2, 0, 0, 0, 0, 9, 0x88, 0xf5};
constexpr std::array<std::uint8_t, 34> igmp_start = {1, 0, 0x5e, 0, 0, 1, 2, 0, 0, 0,  0, 9, 8, 0,   0x45, 0, 0,
                                                     0, 0, 0,    0, 0, 1, 2, 0, 0, 10, 0, 0, 1, 224, 0,    0, 1};
constexpr std::array<std::uint8_t, 62> mld_start = {0x33, 0x33, 0, 0, 0, 1, 2,    0,    0, 0, 0, 9, 0x86, 0xdd, 0x60, 0,
                                                    0,    0,    0, 0, 0, 1, 0xfe, 0x80, 0, 0, 0, 0, 0,    0,    0,    0,
                                                    0,    0,    0, 0, 0, 1, 0xff, 2,    0, 0, 0, 0, 0,    0,    0,    0,
                                                    0,    0,    0, 0, 0, 1, 0x3a, 0,    5, 2, 0, 0, 1,    0};

Octets begin(std::span<const std::uint8_t> start, std::span<const std::byte> rest) {
  Octets frame(start.size() + rest.size());
  std::memcpy(frame.data(), start.data(), start.size());
  std::copy(rest.begin(), rest.end(), frame.begin() + static_cast<std::ptrdiff_t>(start.size()));
  return frame;
}

// Lengths and checksums are made right, or nothing would come through.
Octets make_frame(fuzz::Bytes& input) {
  const auto kind = input.number<std::uint8_t>();
  const auto contents = input.take(input.number<std::uint8_t>());
  switch (kind % 5) {
    case 0: {
      Octets frame = begin(bpdu_start, contents);
      store_be<std::uint16_t>(&frame[12], static_cast<std::uint16_t>(contents.size() + 3));
      return frame;
    }
    case 1: return begin(mrpdu_start, contents);
    case 2: {
      Octets frame = begin(igmp_start, contents);
      store_be<std::uint16_t>(&frame[16], static_cast<std::uint16_t>(contents.size() + 20));
      if (contents.size() >= 4) {
        store_be<std::uint16_t>(&frame[36], 0);
        store_be<std::uint16_t>(&frame[36], internet_checksum(std::span(frame).subspan(34)));
      }
      return frame;
    }
    case 3: {
      Octets frame = begin(mld_start, contents);
      store_be<std::uint16_t>(&frame[18], static_cast<std::uint16_t>(contents.size() + 8));
      if (contents.size() >= 4) {
        const std::span<const std::byte> all(frame);
        store_be<std::uint16_t>(&frame[64], 0);
        const std::uint32_t pseudo =
            internet_sum(all.subspan(22, 32)) + static_cast<std::uint32_t>(contents.size()) + 58;
        store_be<std::uint16_t>(&frame[64], internet_checksum(all.subspan(62), pseudo));
      }
      return frame;
    }
    default: return {contents.begin(), contents.end()};
  }
}

struct Drain final : bridge::Sink {
  std::size_t send(std::span<bridge::Frame> frames) override {
    for (auto& frame : frames) const auto taken = std::move(frame);
    return frames.size();
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr unsigned ports = 4;
  fuzz::Bytes input(data, size);
  bridge::FramePool pool(16 << 20);
  Time now = std::chrono::hours(1);
  const auto bridge = std::move(bridge::Bridge::make(pool, {.address = bridge::MacAddress(0x0200'0000'0001)}).value());
  protocols::ControlOptions options;
  options.rstp = options.mvrp = true;
  options.snooped = {1};
  ControlPlane control(*bridge, options, 1, now);
  protocols::ControlPortOptions port_options;
  port_options.mvrp = true;
  for (unsigned i = 0; i < ports; ++i) {
    const auto port = bridge->add_port(bridge::access_port("p" + std::to_string(i), 1), now).value();
    control.configure_port(port, port_options, now);
  }
  Drain drain;
  for (int step = 0; step < 100 && !input.empty(); ++step) {
    const auto port = static_cast<bridge::PortId>(input.number<std::uint8_t>() % ports);
    const auto action = input.number<std::uint8_t>();
    now += std::chrono::milliseconds(action % 16 * 200);
    if (action / 16 == 1) bridge->set_up(port, !bridge->is_up(port), now);
    if (action / 16 == 2) control.reset_port(port);
    if (action / 16 == 3) {
      port_options.rstp.bpdu_guard = !port_options.rstp.bpdu_guard;
      control.configure_port(port, port_options, now);
    }
    if (const Octets octets = make_frame(input); !octets.empty()) {
      bridge::Frame frame = pool.copy(octets);
      bridge->receive(port, {&frame, 1}, now);
    }
    bridge->poll(now);
    STRATA_ASSERT(bridge->next_deadline() > now);
    for (unsigned i = 0; i < ports; ++i) bridge->transmit(static_cast<bridge::PortId>(i), SIZE_MAX, drain, now);
  }
  return 0;
}
