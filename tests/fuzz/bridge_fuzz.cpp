// The bridge with ports, changes and frames that are the fuzzer's: a frame leaves only on a member of its VLAN, with the
// octets that it came with.
#include <array>
#include <cstdlib>
#include <optional>

#include "network/bridge/bridge.h"
#include "tests/fuzz/bytes.h"

using namespace strata;
using namespace strata::network::bridge;

namespace {

constexpr std::size_t ports = 4;
constexpr std::array<Vid, 4> vlans = {1, 10, 20, 4094};

PortConfig read_port(fuzz::Bytes& input, unsigned name) {
  const auto choice = input.number<std::uint32_t>();
  const auto vid = [&](unsigned place) { return vlans[choice >> place & 3]; };
  PortConfig config = (choice & 1) != 0 ? access_port(fmt::format("p{}", name), vid(1))
                                        : trunk_port(fmt::format("p{}", name), VlanSet{vid(1), vid(3)},
                                                     (choice & 0x20) != 0 ? vid(6) : no_vid);
  config.tag_type = (choice >> 8 & 3) == 0 ? TagType::s_vlan : TagType::c_vlan;
  config.accept = static_cast<FrameTypes>((choice >> 10 & 3) % 3);
  config.ingress_filtering = (choice >> 12 & 3) != 0;
  config.isolated = (choice >> 14 & 3) == 0;
  config.nested_tags = (choice >> 16 & 1) != 0;
  config.mtu = static_cast<std::uint16_t>(choice >> 17 & 0x3fff);
  if ((choice >> 31 & 1) != 0)
    config.ingress_acl = {{.destination_ip = IpPrefix{.length = 8}, .destination_port = NumberRange{0, 1000}},
                          {.action = AclRule::Action::permit, .protocol = 6}};
  return config;
}

// Every frame that leaves by a tagged VLAN must say one of the port's own.
class Judge final : public Sink {
 public:
  Judge(const Bridge& bridge, PortId port) : config_(bridge.config(port)), vlans_(bridge.vlans(port)) {}
  std::size_t send(std::span<Frame> frames) override {
    for (Frame& frame : frames) {
      std::array<std::byte, Frame::max_head> head;
      const std::size_t length = frame.head(head);
      if (frame.size() != length + frame.body().size()) std::abort();
      if (length == Frame::max_head) {
        const Vid vid = load_be<std::uint16_t>(head.data() + 14) & 0xfff;
        if (!vlans_.contains(vid) || config_.untagged.contains(vid)) std::abort();
      }
      Frame mine = std::move(frame);
      if (!mine.flatten() || mine.size() != mine.stored().size()) std::abort();
    }
    return frames.size();
  }

 private:
  const PortConfig& config_;
  const VlanSet& vlans_;
};

// Sees what a protocol and a snooper are shown.
struct Watcher final : Protocol, Snooper {
  void receive(PortId, std::span<const std::byte> frame, Time) override { look(frame); }
  Verdict snoop(PortId, Vid, std::span<const std::byte> frame, Time) override {
    look(frame);
    return static_cast<Verdict>(frame.size() % 3);
  }
  static void look(std::span<const std::byte> frame) {
    unsigned sum = 0;
    for (const std::byte octet : frame) sum += std::to_integer<unsigned>(octet);
    if (frame.size() < ethernet_header_size || sum > 255 * frame.size()) std::abort();
  }
};

void receive(Bridge& bridge, PortId port, fuzz::Bytes& input, Time now) {
  const auto shape = input.number<std::uint16_t>();
  const auto octets = input.take(shape & 0xff);
  const std::size_t size = (shape & 0xf00) == 0xf00 ? 70'000 : octets.size();
  Frame frame = bridge.pool().make(size);
  std::copy(octets.begin(), octets.end(), frame.fill().begin());
  std::fill(frame.fill().begin() + static_cast<std::ptrdiff_t>(octets.size()), frame.fill().end(), std::byte{0});
  if ((shape & 0x1000) != 0)
    frame.set_offload({.needs_checksum = true,
                       .gso = Offload::Gso::tcp4,
                       .header_length = input.number<std::uint16_t>(),
                       .gso_size = input.number<std::uint16_t>(),
                       .checksum_start = input.number<std::uint16_t>(),
                       .checksum_offset = input.number<std::uint16_t>()});
  Frame kept = (shape & 0x2000) != 0 ? frame.share() : Frame();
  bridge.receive(port, {&frame, 1}, now);
}

void change(Bridge& bridge, PortId port, fuzz::Bytes& input, Time& now) {
  const auto choice = input.number<std::uint8_t>();
  switch (choice & 7) {
    case 0: (void)bridge.reconfigure(port, read_port(input, port), now); break;
    case 1: bridge.set_up(port, (choice & 8) != 0, now); break;
    case 2: bridge.set_state(port, static_cast<PortState>((choice >> 3) % 3)); break;
    case 3: bridge.set_registered(port, vlans[choice >> 3 & 3], (choice & 0x20) != 0); break;
    case 4: bridge.set_snooping(vlans[choice >> 3 & 3], (choice & 0x20) != 0); break;
    case 5: bridge.set_group(vlans[choice >> 3 & 3], MacAddress(0x0100'5e01'0203), PortSet{port}); break;
    case 6:
      (void)bridge.set_mirrors(
          {{.ingress = PortSet{port}, .egress = PortSet{port}, .destination = PortId(choice >> 3 & 3)}});
      break;
    default: now += std::chrono::seconds(choice); bridge.poll(now);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static FramePool pool;
  fuzz::Bytes input(data, size);
  Watcher watcher;
  Time now = std::chrono::hours(1);
  {
    const auto bridge = std::move(Bridge::make(pool).value());
    for (unsigned i = 0; i < ports; ++i)
      if (!bridge->add_port(read_port(input, i), now))
        (void)bridge->add_port(access_port(fmt::format("p{}", i), 10), now);
    bridge->attach(watcher, std::array{MacAddress(0x0180'c200'0000), MacAddress(0x0180'c200'0021)}, now);
    bridge->set_snooper(&watcher);
    while (!input.empty()) {
      const auto choice = input.number<std::uint8_t>();
      const PortId port = choice & 3;
      if ((choice & 0xc) == 0) change(*bridge, port, input, now);
      else receive(*bridge, port, input, now);
      if ((choice & 0x70) != 0) continue;
      for (PortId out = 0; out < ports; ++out) {
        Judge judge(*bridge, out);
        if (bridge->mirrors().empty() || bridge->mirrors()[0].destination != out)
          bridge->transmit(out, 100, judge, now);
      }
    }
  }
  if (pool.frames_in_use() != 0) std::abort();
  return 0;
}
