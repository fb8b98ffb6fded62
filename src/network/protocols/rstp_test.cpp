// RSTP in networks of bridges, and one bridge against frames of a test's own.
#include "network/protocols/rstp.h"

#include <gtest/gtest.h>

#include "network/protocols/rstp_network_test.h"

namespace strata::network::protocols {
namespace {

using namespace std::chrono_literals;

RstpPortOptions cost(uint32_t path_cost) {
  RstpPortOptions options;
  options.path_cost = path_cost;
  return options;
}

TEST(Rstp, TwoBridgesForwardAtOnce) {
  RstpNetwork network(2);
  network.connect(0, 1);
  EXPECT_LT(network.run_until_converged(30s), 100ms);  // proposal and agreement, no timer
  EXPECT_TRUE(network.at(0).is_root());
  EXPECT_EQ(network.at(0).ports().at(0).role, PortRole::designated);
  EXPECT_EQ(network.at(1).ports().at(0).role, PortRole::root);
}

TEST(Rstp, TriangleHasOneBlockedPort) {
  RstpNetwork network(3);
  network.connect(0, 1);
  network.connect(1, 2);
  network.connect(2, 0);
  EXPECT_LT(network.run_until_converged(30s), 1s);
  network.run_for(60s);
  EXPECT_TRUE(network.is_converged());
  EXPECT_EQ(network.active_links(), 2u);
  const RstpPort& blocked = network.at(2).ports().at(0);
  EXPECT_EQ(blocked.role, PortRole::alternate);
  EXPECT_EQ(Rstp::state_of(blocked), PortState::discarding);
}

TEST(Rstp, TriangleMendsALostLinkInMilliseconds) {
  RstpNetwork network(3);
  network.connect(0, 1);
  network.connect(1, 2);
  const size_t lost = network.connect(2, 0);
  network.run_for(30s);
  const size_t flushes = network.flushes;
  network.set_link(lost, false);
  EXPECT_LT(network.run_until_converged(30s), 100ms);
  network.run_for(1s);
  EXPECT_GT(network.flushes, flushes);  // stations are behind other ports now
  network.set_link(lost, true);
  EXPECT_LT(network.run_until_converged(30s), 1s);
  network.run_for(10s);
  EXPECT_TRUE(network.is_converged());
}

TEST(Rstp, ALinkThatLosesEverythingIsLeftAfterThreeHellos) {
  RstpNetwork network(3);
  network.connect(0, 1);
  network.connect(1, 2);
  const size_t silent = network.connect(2, 0);
  network.run_for(30s);
  network.link(silent).loses = true;
  network.run_for(7s);
  EXPECT_EQ(network.at(2).ports().at(0).role, PortRole::root);
  EXPECT_TRUE(network.at(2).ports().at(0).forwarding);
  EXPECT_EQ(network.loops_seen(), 0u);
}

TEST(Rstp, SquareFollowsCosts) {
  RstpNetwork network(4);
  network.connect(0, 1, cost(20'000));
  network.connect(1, 2, cost(20'000));
  network.connect(2, 3, cost(20'000));
  const size_t dear = network.connect(3, 0, cost(200'000));
  network.run_for(5s);
  EXPECT_TRUE(network.is_converged());
  EXPECT_FALSE(network.is_active(network.link(dear)));
  EXPECT_EQ(network.at(3).root_priority().root_path_cost, 60'000u);
  // The dear link becomes cheap.
  const auto& ends = network.link(dear);
  for (const auto& end : {ends.a, ends.b}) network.at(end.bridge).configure_port(end.port, cost(2'000));
  network.link(dear).cost = 2'000;
  EXPECT_LT(network.run_until_converged(30s), 3s);
  EXPECT_TRUE(network.is_active(network.link(dear)));
}

TEST(Rstp, ABetterBridgeBecomesRoot) {
  RstpNetwork network(4);
  for (size_t i = 0; i < 4; ++i) network.connect(i, (i + 1) % 4);
  network.run_for(5s);
  RstpOptions options = network.at(2).options();
  options.priority = 0x1000;
  network.at(2).configure(options);
  EXPECT_LT(network.run_until_converged(30s), 3s);
  EXPECT_TRUE(network.at(2).is_root());
  options.priority = 0xf000;
  network.at(2).configure(options);
  EXPECT_LT(network.run_until_converged(60s), 25s);
  EXPECT_TRUE(network.at(0).is_root());
}

TEST(Rstp, TheRootMayDie) {
  RstpNetwork network(4);
  for (size_t i = 0; i < 4; ++i) network.connect(i, (i + 1) % 4);
  network.run_for(5s);
  network.set_power(0, false);
  // The others may pass its last words on to each other for as long as these are good.
  EXPECT_LT(network.run_until_converged(60s), 10s);
  EXPECT_TRUE(network.at(1).is_root());
}

TEST(Rstp, ParallelLinksGiveAlternateAndALoopOnOneBridgeABackup) {
  RstpNetwork network(2);
  network.connect(0, 1);
  network.connect(0, 1);
  network.connect(0, 0);
  network.run_for(10s);
  EXPECT_EQ(network.at(1).ports().at(0).role, PortRole::root);
  EXPECT_EQ(network.at(1).ports().at(1).role, PortRole::alternate);
  EXPECT_EQ(network.at(0).ports().at(2).role, PortRole::designated);
  EXPECT_EQ(network.at(0).ports().at(3).role, PortRole::backup);
  EXPECT_EQ(network.loops_seen(), 0u);
}

TEST(Rstp, PortPriorityChoosesAmongParallelLinks) {
  RstpNetwork network(2);
  network.connect(0, 1);
  RstpPortOptions preferred;
  preferred.priority = 16;
  network.connect(0, 1, preferred);
  network.run_for(5s);
  EXPECT_EQ(network.at(1).ports().at(0).role, PortRole::alternate);
  EXPECT_EQ(network.at(1).ports().at(1).role, PortRole::root);
}

// One bridge, and frames of a test's own to its ports.
class RstpBridge : public testing::Test, public RstpHost {
 public:
  void set_port_state(uint32_t port, PortState state) override { states[port] = state; }
  void flush(uint32_t port) override { ++flushes[port]; }
  void send_bpdu(uint32_t port, Bytes frame) override {
    const auto bpdu = decode_bpdu_frame(frame);
    ASSERT_TRUE(bpdu);
    sent[port].push_back(*bpdu);
  }

 protected:
  void add(uint32_t port, const RstpPortOptions& options = {}) {
    rstp.add_port(port, options);
    rstp.set_up(port, true);
  }
  void run_for(Time duration) {
    const Time end = now + duration;
    while (rstp.deadline() <= end) rstp.run(now = rstp.deadline());
    now = end;
  }
  void receive(uint32_t port, const Bpdu& bpdu) { rstp.receive(port, encode_bpdu_frame(bpdu, 99)); }
  /// What a root with a better priority says.
  static Bpdu root_bpdu() {
    Bpdu bpdu;
    bpdu.priority = {{0x1000, 99}, 0, {0x1000, 99}, 0x8001};
    bpdu.forwarding = bpdu.learning = true;
    return bpdu;
  }
  /// What a bridge behind `port` answers that takes our word.
  Bpdu agreement(uint32_t port, BridgeId bridge) const {
    Bpdu bpdu;
    bpdu.priority = rstp.ports().at(port).designated_priority;
    bpdu.priority.root_path_cost += 20'000;
    bpdu.priority.bridge = bridge;
    bpdu.role = PortRole::root;
    bpdu.agreement = true;
    return bpdu;
  }
  static Bpdu stp_root_bpdu() {
    Bpdu bpdu = root_bpdu();
    bpdu.type = BpduType::config;
    bpdu.forwarding = bpdu.learning = false;
    return bpdu;
  }

  Time now{};
  std::map<uint32_t, PortState> states;
  std::map<uint32_t, unsigned> flushes;
  std::map<uint32_t, std::vector<Bpdu>> sent;
  Rstp rstp{*this, {.address = 7}, Time{}};
};

TEST_F(RstpBridge, EdgePortForwardsAtOnceAndAnotherAfterThreeSeconds) {
  RstpPortOptions edge;
  edge.admin_edge = true;
  add(1, edge);
  EXPECT_EQ(states[1], PortState::forwarding);
  add(2);
  EXPECT_EQ(states[2], PortState::discarding);
  run_for(2s);
  EXPECT_EQ(states[2], PortState::discarding);
  run_for(2s);
  EXPECT_EQ(states[2], PortState::forwarding);
  EXPECT_TRUE(rstp.ports().at(2).oper_edge);
  RstpPortOptions plain;
  plain.auto_edge = false;
  add(3, plain);
  run_for(19s);
  EXPECT_EQ(states[3], PortState::discarding);
  run_for(4s);  // MaxAge, and a HelloTime for learning
  EXPECT_EQ(states[3], PortState::forwarding);
}

TEST_F(RstpBridge, EdgePortThatHearsABridgeIsNoneAnyMore) {
  RstpPortOptions edge;
  edge.admin_edge = true;
  add(1, edge);
  add(2);
  Bpdu bpdu = root_bpdu();
  bpdu.proposal = true;
  receive(1, bpdu);
  EXPECT_FALSE(rstp.ports().at(1).oper_edge);
  EXPECT_EQ(rstp.ports().at(1).role, PortRole::root);
}

TEST_F(RstpBridge, AgreesWhenAllElseIsSafe) {
  add(1);
  add(2);
  run_for(4s);
  ASSERT_EQ(states[2], PortState::forwarding);  // as an edge port
  Bpdu bpdu = root_bpdu();
  bpdu.proposal = true;
  receive(2, root_bpdu());
  sent.clear();
  receive(1, bpdu);
  ASSERT_FALSE(sent[1].empty());
  EXPECT_TRUE(sent[1].back().agreement);
  EXPECT_EQ(sent[1].back().role, PortRole::root);
  EXPECT_EQ(states[1], PortState::forwarding);
  EXPECT_EQ(states[2], PortState::discarding);
}

TEST_F(RstpBridge, SpeaksTheOldProtocolWithOldBridges) {
  add(1);
  run_for(4s);
  receive(1, stp_root_bpdu());
  EXPECT_FALSE(rstp.ports().at(1).send_rstp);
  Bpdu worse = stp_root_bpdu();
  worse.priority = {{0xf000, 99}, 0, {0xf000, 99}, 0x8001};
  add(2);
  run_for(4s);
  sent.clear();
  receive(2, worse);
  run_for(3s);
  ASSERT_FALSE(sent[2].empty());
  EXPECT_EQ(sent[2].back().type, BpduType::config);
  // The old bridge is replaced.
  run_for(3s);
  Bpdu rapid = worse;
  rapid.type = BpduType::rapid;
  receive(2, rapid);
  run_for(3s);
  EXPECT_EQ(sent[2].back().type, BpduType::rapid);
}

TEST_F(RstpBridge, OldBridgesAreWaitedForAndToldOfTopologyChanges) {
  add(1);
  for (int i = 0; i < 60; ++i) {
    receive(1, stp_root_bpdu());
    run_for(1s);
  }
  EXPECT_EQ(states[1], PortState::forwarding);
  RstpPortOptions quick;
  add(2, quick);
  Bpdu designated = root_bpdu();
  designated.priority = {{0xf000, 98}, 0, {0xf000, 98}, 0x8001};
  receive(2, designated);
  sent.clear();
  receive(2, agreement(2, {0xf000, 98}));
  EXPECT_EQ(states[2], PortState::forwarding);
  run_for(3s);
  bool told = false;
  for (const Bpdu& bpdu : sent[1]) told |= bpdu.type == BpduType::topology_change_notification;
  EXPECT_TRUE(told);
}

TEST_F(RstpBridge, StpOnlyIsSlowAndSpeaksOld) {
  rstp.configure({.address = 7, .stp_only = true});
  add(1);
  run_for(60s);
  EXPECT_EQ(states[1], PortState::forwarding);
  for (const Bpdu& bpdu : sent[1]) EXPECT_EQ(bpdu.type, BpduType::config);
}

TEST_F(RstpBridge, GuardShutsThePortUntilItIsReset) {
  RstpPortOptions guarded;
  guarded.admin_edge = guarded.bpdu_guard = true;
  add(1, guarded);
  EXPECT_EQ(states[1], PortState::forwarding);
  receive(1, root_bpdu());
  EXPECT_EQ(states[1], PortState::discarding);
  EXPECT_TRUE(rstp.is_root());
  rstp.set_up(1, false);
  rstp.set_up(1, true);
  EXPECT_EQ(states[1], PortState::discarding);
  rstp.reset_port(1);
  EXPECT_EQ(states[1], PortState::forwarding);
}

TEST_F(RstpBridge, RestrictedRoleKeepsAStrangerFromBecomingRoot) {
  RstpPortOptions restricted;
  restricted.restricted_role = true;
  add(1, restricted);
  receive(1, root_bpdu());
  EXPECT_TRUE(rstp.is_root());
  EXPECT_EQ(rstp.ports().at(1).role, PortRole::alternate);
  EXPECT_EQ(states[1], PortState::discarding);
}

TEST_F(RstpBridge, TopologyChangeFlushesAllOtherPorts) {
  RstpPortOptions no_edge;
  no_edge.auto_edge = false;
  for (const uint32_t port : {1, 2, 3}) {
    add(port, no_edge);
    Bpdu peer = root_bpdu();
    peer.priority = {{0xf000, 90 + port}, 0, {0xf000, 90 + port}, 0x8001};
    receive(port, peer);
    receive(port, agreement(port, {0xf000, 90 + port}));
    ASSERT_EQ(states[port], PortState::forwarding);
  }
  run_for(10s);
  flushes.clear();
  sent.clear();
  Bpdu change = agreement(2, {0xf000, 92});
  change.topology_change = true;
  receive(2, change);
  EXPECT_EQ(flushes[1], 1u);
  EXPECT_EQ(flushes[2], 0u);  // the change lies behind it, what it says there is still true
  EXPECT_EQ(flushes[3], 1u);
  ASSERT_FALSE(sent[1].empty());
  EXPECT_TRUE(sent[1].back().topology_change);
}

TEST_F(RstpBridge, HoldsBackFloods) {
  add(1);
  sent.clear();
  for (uint16_t i = 0; i < 1000; ++i) {
    Bpdu bpdu = root_bpdu();
    bpdu.proposal = true;
    bpdu.priority.root_path_cost = i;
    receive(1, bpdu);
  }
  EXPECT_LE(sent[1].size(), 6u);
}

TEST_F(RstpBridge, OwnBpdusThatComeBackSayNothing) {
  add(1);
  run_for(10s);
  ASSERT_FALSE(sent[1].empty());
  const auto before = states[1];
  receive(1, sent[1].back());
  run_for(10s);
  EXPECT_EQ(states[1], before);
  EXPECT_TRUE(rstp.is_root());
}

TEST_F(RstpBridge, DeadPromisesEnd) {
  add(1);
  receive(1, root_bpdu());
  EXPECT_FALSE(rstp.is_root());
  run_for(7s);
  EXPECT_TRUE(rstp.is_root());
  Bpdu stale = root_bpdu();
  stale.times.message_age = 20;
  receive(1, stale);
  EXPECT_TRUE(rstp.is_root());
}

TEST_F(RstpBridge, APauseOfTheProcessIsNotHeldAgainstThePeers) {
  add(1);
  receive(1, root_bpdu());
  rstp.run(now += 1000s);
  EXPECT_FALSE(rstp.is_root());
  EXPECT_GT(rstp.deadline(), now);
}

TEST_F(RstpBridge, OutOfRangeTimesDoNotStopTheClock) {
  add(1);
  add(2);
  for (const uint8_t time : {0, 1, 255}) {
    Bpdu bpdu = root_bpdu();
    bpdu.times = {0, time, time, time};
    receive(1, bpdu);
    run_for(100s);
  }
  EXPECT_TRUE(rstp.is_root());
}

std::unique_ptr<RstpNetwork> random_network(unsigned seed) {
  std::mt19937 random(seed);
  const size_t bridges = 2 + random() % 7;
  auto network = std::make_unique<RstpNetwork>(bridges, RstpOptions{}, seed);
  const uint32_t costs[] = {2'000, 20'000, 20'000, 200'000};
  for (size_t i = 1; i < bridges; ++i) network->connect(random() % i, i, cost(costs[random() % 4]));
  for (size_t extra = random() % (2 * bridges); extra > 0; --extra) {
    const size_t a = random() % bridges, b = random() % bridges;
    if (a != b) network->connect(a, b, cost(costs[random() % 4]));
  }
  return network;
}

void set_priority(Rstp& bridge, uint16_t priority) {
  RstpOptions options = bridge.options();
  options.priority = priority;
  bridge.configure(options);
}

// Links come, better bridges too: nothing that was true becomes untrue.
void only_improve(RstpNetwork& network, unsigned seed) {
  std::mt19937 random(seed);
  for (size_t link = 0; link < network.links(); ++link) network.set_link(link, random() % 2 == 0);
  network.run_for(60s);
  const size_t before = network.loops_seen();
  uint16_t best = 0x8000;
  for (int change = 0; change < 16; ++change) {
    if (random() % 3 != 0) {
      network.set_link(random() % network.links(), true);
    } else if (best > 0) {
      set_priority(network.at(random() % network.bridges()), best -= 0x1000);
    }
    network.run_for(std::chrono::milliseconds(random() % 4000));
  }
  EXPECT_EQ(network.loops_seen(), before) << "seed " << seed;
}

// Links and bridges fail and return, the root steps back.
void do_anything(RstpNetwork& network, unsigned seed) {
  std::mt19937 random(seed);
  for (int change = 0; change < 12; ++change) {
    const size_t link = random() % network.links(), bridge = random() % network.bridges();
    switch (random() % 3) {
      case 0: network.set_link(link, !network.link(link).is_up); break;
      case 1: set_priority(network.at(bridge), static_cast<uint16_t>(random() % 16 << 12)); break;
      case 2: network.set_power(bridge, random() % 2 == 0); break;
    }
    network.run_for(std::chrono::milliseconds(random() % 4000));
  }
}

// Returns how many networks had a loop, if for a moment only.
template <class Change>
unsigned count_loops(unsigned first_seed, unsigned last_seed, Change change) {
  unsigned networks_with_loops = 0;
  for (unsigned seed = first_seed; seed <= last_seed; ++seed) {
    const auto owned = random_network(seed);
    RstpNetwork& network = *owned;
    network.run_for(30s);
    EXPECT_TRUE(network.is_converged()) << "at first, seed " << seed;
    change(network, seed);
    network.run_for(60s);
    EXPECT_TRUE(network.is_converged()) << "in the end, seed " << seed;
    networks_with_loops += network.loops_seen() > 0;
  }
  return networks_with_loops;
}

TEST(Rstp, RandomNetworksNeverLoopAsTheyGrow) { count_loops(1, 100, only_improve); }
TEST(RstpSlow, ManyRandomNetworksNeverLoopAsTheyGrow) { count_loops(1000, 6000, only_improve); }

// Words of a root or of a path that is gone may go in circles for some milliseconds, in which RSTP is known to let loops
// come about. The standard's own rule of agreement does so in 313 of these 5,001: see docs/decisions.
TEST(Rstp, RandomNetworksBecomeTreesWhateverHappens) { EXPECT_LE(count_loops(1, 100, do_anything), 1u); }
TEST(RstpSlow, ManyRandomNetworksBecomeTreesWhateverHappens) { EXPECT_LE(count_loops(1000, 6000, do_anything), 30u); }

}  // namespace
}  // namespace strata::network::protocols
