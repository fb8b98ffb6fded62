// The bridge against its model: random frames, configurations and changes; every octet that leaves is compared.
#include <gtest/gtest.h>

#include <random>

#include "network/bridge/bridge.h"
#include "tests/network/model.h"

namespace strata::network {
namespace {

using namespace bridge;
using model::Model;
using model::Octets;

/// Few VLANs and stations, so that frames meet.
class Random {
 public:
  explicit Random(std::uint32_t seed) : engine_(seed) {}
  unsigned below(unsigned limit) { return std::uniform_int_distribution<unsigned>(0, limit - 1)(engine_); }
  bool one_in(unsigned chances) { return below(chances) == 0; }

  Vid vid() {
    constexpr Vid some[] = {1, 2, 3, 10, 20, 4094};
    return one_in(50) ? static_cast<Vid>(1 + below(4094)) : some[below(std::size(some))];
  }
  MacAddress station() {
    if (one_in(200)) return MacAddress(below(2) * 0x0100'0000'0000);
    return MacAddress(0x0200'0000'0001 + below(10));
  }
  MacAddress group() {
    constexpr std::uint64_t some[] = {0xffff'ffff'ffff, 0x0100'5e01'0203, 0x0100'5e00'00fb, 0x3333'0001'0203,
                                      0x3333'0000'0001, 0x0300'0000'0001, 0x0180'c200'0000, 0x0180'c200'000f,
                                      0x0180'c200'0010, 0x0180'c200'0021};
    return MacAddress(some[below(std::size(some))]);
  }
  VlanSet vlans() {
    VlanSet set;
    for (unsigned i = below(5); i > 0; --i) set.add(vid());
    return set;
  }
  AclRule rule() {
    AclRule rule{.action = below(2) == 0 ? AclRule::Action::permit : AclRule::Action::deny};
    if (one_in(2)) rule.source = MacMatch{station()};
    if (one_in(2)) rule.destination = MacMatch{one_in(2) ? station() : group()};
    if (const Vid first = vid(); one_in(2))
      rule.vlans = NumberRange{first, static_cast<Vid>(first + below(4095 - first))};
    return rule;
  }

  PortConfig port(const std::string& name);
  BridgeConfig config();
  Octets frame();

 private:
  void append_tag(Octets& octets);
  std::mt19937 engine_;
};

// May be impossible: then the bridge has to refuse it, and nothing changes.
PortConfig Random::port(const std::string& name) {
  PortConfig config =
      one_in(3) ? access_port(name, vid()) : trunk_port(name, vlans() | VlanSet{vid()}, one_in(2) ? vid() : no_vid);
  if (one_in(4)) config.tag_type = TagType::s_vlan;
  if (one_in(4)) config.accept = static_cast<FrameTypes>(below(3));
  if (one_in(8)) config.ingress_filtering = false;
  if (one_in(8)) config.pvid = one_in(4) ? no_vid : vid();
  if (one_in(6)) config.forbidden = vlans();
  if (one_in(6)) config.default_priority = static_cast<std::uint8_t>(below(8));
  if (one_in(6))
    for (auto& priority : config.regeneration) priority = static_cast<std::uint8_t>(below(8));
  if (one_in(6))
    for (auto& traffic_class : config.queues.traffic_class) traffic_class = static_cast<std::uint8_t>(below(8));
  if (one_in(8)) config.learning = false;
  if (one_in(4)) config.learning_limit = below(4), config.drop_beyond_limit = one_in(2);
  if (one_in(4)) config.static_entries.push_back({vid(), one_in(3) ? group() : station()});
  if (one_in(4)) config.isolated = true;
  if (one_in(4)) config.nested_tags = true;
  if (one_in(8)) config.mtu = static_cast<std::uint16_t>(68 + below(200));
  while (one_in(6)) config.ingress_acl.push_back(rule());
  while (one_in(6)) config.egress_acl.push_back(rule());
  return config;
}

BridgeConfig Random::config() {
  BridgeConfig config;
  if (one_in(2)) config.shared_learning.push_back(VlanSet{1, 2, 20});
  if (one_in(2)) config.shared_learning.push_back(vlans() | VlanSet{vid()});
  if (one_in(2)) config.ageing = std::chrono::seconds(1 + below(60));
  if (one_in(4)) config.max_addresses = 1 + below(12);
  while (one_in(6)) config.acl.push_back(rule());
  return config;
}

void Random::append_tag(Octets& octets) {
  const unsigned type = one_in(3) ? 0x88a8 : 0x8100;
  const unsigned control = below(16) << 12 | (one_in(20) ? 4095U : one_in(5) ? 0U : vid());
  for (const unsigned value : {type >> 8, type, control >> 8, control}) octets.push_back(static_cast<std::byte>(value));
}

Octets Random::frame() {
  Octets octets;
  if (one_in(500)) {  // anything at all
    octets.resize(one_in(10) ? below(70'001) : below(100));
    for (auto& octet : octets) octet = static_cast<std::byte>(below(256));
    return octets;
  }
  octets.resize(12);
  (one_in(3) ? group() : station()).store(octets.data());
  station().store(octets.data() + 6);
  while (one_in(2)) append_tag(octets);
  octets.push_back(std::byte{0x88});
  octets.push_back(std::byte{0xb5});
  const unsigned size = one_in(20) ? 60 + below(250) : one_in(100) ? 1490 + below(30) : below(8);
  for (unsigned i = 0; i < size; ++i) octets.push_back(static_cast<std::byte>(below(256)));
  if (one_in(50)) octets.resize(below(static_cast<unsigned>(octets.size()) + 1));
  return octets;
}

class Collector final : public Sink {
 public:
  std::size_t send(std::span<Frame> frames) override {
    for (Frame& frame : frames) {
      const Frame mine = std::move(frame);
      taken.emplace_back(mine.size());
      mine.copy_to(taken.back());
    }
    return frames.size();
  }
  std::vector<Octets> taken;
};

class Comparison {
 public:
  explicit Comparison(std::uint32_t seed) : random_(seed) {
    EXPECT_TRUE(bridge_->reconfigure(bridge_config(), now_));
    for (int i = 0; i < 6; ++i) add_port();
  }
  /// Until `frames` have come in, or something differs; how many left.
  unsigned run(unsigned frames) {
    for (unsigned i = 0; i < frames && !testing::Test::HasFailure(); ++i) {
      if (random_.one_in(25)) change();
      receive();
      if (random_.one_in(2)) drain();
    }
    drain();
    return left_;
  }

 private:
  BridgeConfig bridge_config() {
    for (;;) {  // the model is told what the bridge takes
      const auto config = random_.config();
      if (!bridge_->reconfigure(config, now_)) continue;
      model_.configure(config);
      return config;
    }
  }
  void add_port() {
    const auto config = random_.port(fmt::format("p{}", names_++));
    if (const auto port = bridge_->add_port(config, now_)) model_.set_port(*port, config);
  }
  std::optional<PortId> some_port() {
    std::vector<PortId> ports;
    bridge_->ports().for_each([&](unsigned id) { ports.push_back(static_cast<PortId>(id)); });
    if (ports.empty()) return std::nullopt;
    return ports[random_.below(static_cast<unsigned>(ports.size()))];
  }
  std::set<PortId> some_ports() {
    std::set<PortId> ports;
    for (unsigned i = random_.below(3); i > 0; --i)
      if (const auto port = some_port()) ports.insert(*port);
    return ports;
  }
  static PortSet as_set(const std::set<PortId>& ports) {
    PortSet set;
    for (const PortId port : ports) set.add(port);
    return set;
  }

  void change();
  void change_port(PortId port);
  void change_groups();
  void receive();
  void drain();

  Random random_;
  FramePool pool_;
  std::unique_ptr<Bridge> bridge_ = std::move(Bridge::make(pool_).value());
  Model model_;
  Time now_ = std::chrono::hours(1);
  unsigned names_ = 0;
  unsigned left_ = 0;
};

void Comparison::change() {
  switch (random_.below(6)) {
    case 0:
      if (bridge_->ports().count() < 10) add_port();
      break;
    case 1:
      if (random_.one_in(4)) bridge_config();
      break;
    case 2: change_groups(); break;
    case 3:
      now_ += std::chrono::seconds(random_.one_in(4) ? random_.below(300) : 1);
      bridge_->poll(now_);
      break;
    default:
      if (const auto port = some_port()) change_port(*port);
  }
}

void Comparison::change_port(PortId port) {
  switch (random_.below(7)) {
    case 0:
      if (!random_.one_in(3)) break;
      bridge_->remove_port(port, now_);
      model_.remove_port(port);
      break;
    case 1: {
      const bool up = !bridge_->is_up(port) || !random_.one_in(4);
      bridge_->set_up(port, up, now_);
      model_.set_up(port, up);
      break;
    }
    case 2: {
      const auto state = random_.one_in(3) ? static_cast<PortState>(random_.below(3)) : PortState::forwarding;
      bridge_->set_state(port, state);
      model_.set_state(port, state);
      break;
    }
    case 3: {
      const Vid vid = random_.vid();
      const bool registered = random_.one_in(2);
      bridge_->set_registered(port, vid, registered);
      model_.set_registered(port, vid, registered);
      break;
    }
    case 4:
      bridge_->flush(port);
      model_.flush(port);
      break;
    default: {
      const auto config = random_.port(bridge_->config(port).name);
      if (bridge_->reconfigure(port, config, now_)) model_.set_port(port, config);
    }
  }
}

void Comparison::change_groups() {
  const Vid vid = random_.vid();
  const auto ports = some_ports();
  switch (random_.below(3)) {
    case 0: {
      const bool on = random_.one_in(2);
      bridge_->set_snooping(vid, on);
      return model_.set_snooping(vid, on);
    }
    case 1: bridge_->set_router_ports(vid, as_set(ports)); return model_.set_routers(vid, ports);
    default: {
      const MacAddress group = random_.group();
      bridge_->set_group(vid, group, as_set(ports));
      return model_.set_group(vid, group, ports);
    }
  }
}

void Comparison::receive() {
  const auto port = some_port();
  if (!port) return add_port();
  const Octets octets = random_.frame();
  Frame frame = pool_.copy(octets);
  ASSERT_TRUE(frame);
  bridge_->receive(*port, {&frame, 1}, now_);
  model_.receive(*port, octets, now_);
}

void Comparison::drain() {
  bridge_->ports().for_each([&](unsigned id) {
    const auto port = static_cast<PortId>(id);
    Collector collector;
    bridge_->transmit(port, SIZE_MAX, collector, now_);
    const auto wanted = model_.drain(port);
    ASSERT_EQ(collector.taken.size(), wanted.size()) << "at port " << port;
    left_ += static_cast<unsigned>(wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) ASSERT_EQ(collector.taken[i], wanted[i]) << "at port " << port;
  });
  std::set<Model::Place> stations;
  for (const auto& station : bridge_->stations(now_)) stations.insert({station.fid, station.address, station.port});
  ASSERT_EQ(stations, model_.stations(now_));
  ASSERT_EQ(pool_.frames_in_use(), 0U);
}

void compare(std::uint32_t first_seed, std::uint32_t switches, unsigned frames) {
  unsigned left = 0;
  for (std::uint32_t seed = first_seed; seed < first_seed + switches && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    left += Comparison(seed).run(frames);
  }
  EXPECT_GE(left, switches * frames / 4) << "too few frames leave to mean anything";
}

TEST(BridgeAgainstModel, TenThousandFrames) { compare(1, 40, 250); }
TEST(BridgeAgainstModel, SlowMillionFrames) { compare(1000, 1000, 1000); }

}  // namespace
}  // namespace strata::network
