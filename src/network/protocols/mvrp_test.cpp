// Chains of switches that speak MVRP to each other over links of virtual time.
#include "network/protocols/mvrp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <functional>

namespace strata::network::protocols {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

/// Switches in a row: port 1 leads to the one before, port 2 to the one after, port 3 is an edge without MVRP.
class Chain {
 public:
  static constexpr uint32_t left = 1, right = 2, edge = 3;

  explicit Chain(size_t length, const MvrpPortOptions& options = {}) {
    for (size_t i = 0; i < length; ++i) switches_.push_back(std::make_unique<Switch>(*this, i));
    for (size_t i = 0; i < length; ++i) {
      if (i > 0) at(i).add_port(left, options, now_);
      if (i + 1 < length) at(i).add_port(right, options, now_);
      for (const uint32_t port : {left, right, edge}) at(i).set_forwarding(port, true);
    }
  }

  Mvrp& at(size_t index) { return switches_[index]->mvrp; }
  Time now() const { return now_; }

  void run_for(Time duration) {
    const Time end = now_ + duration;
    for (;;) {
      Time next = in_flight_.empty() ? never : in_flight_.front().arrival;
      for (auto& one : switches_) next = std::min(next, one->mvrp.deadline());
      if (next > end) break;
      now_ = std::max(now_, next);
      deliver();
      for (auto& one : switches_) one->mvrp.run(now_);
    }
    now_ = end;
  }

  std::function<bool(size_t from, uint32_t port)> loses = [](size_t, uint32_t) { return false; };
  size_t sent = 0;
  size_t moved = 0;  ///< addresses to be forgotten, how often

 private:
  struct Frame {
    Time arrival;
    size_t to;
    uint32_t port;
    std::vector<std::byte> pdu;
  };
  struct Switch final : MvrpHost {
    Switch(Chain& owner, size_t number) : chain(owner), index(number), mvrp(*this, 100 * number + 1) {}
    void on_vlan_registered(uint32_t port, uint16_t vlan) override { EXPECT_TRUE(members.insert({port, vlan}).second); }
    void on_vlan_deregistered(uint32_t port, uint16_t vlan) override { EXPECT_EQ(members.erase({port, vlan}), 1u); }
    void on_vlan_moved(uint32_t, uint16_t) override { ++chain.moved; }
    void send_mvrpdu(uint32_t port, Bytes pdu) override { chain.send(index, port, pdu); }

    Chain& chain;
    size_t index;
    std::set<std::pair<uint32_t, uint16_t>> members;
    Mvrp mvrp;
  };

  void send(size_t from, uint32_t port, Bytes pdu) {
    ++sent;
    if (loses(from, port)) return;
    const size_t to = port == left ? from - 1 : from + 1;
    in_flight_.push_back({now_ + 1ms, to, port == left ? right : left, {pdu.begin(), pdu.end()}});
  }
  void deliver() {
    while (!in_flight_.empty() && in_flight_.front().arrival <= now_) {
      const Frame frame = std::move(in_flight_.front());
      in_flight_.pop_front();
      at(frame.to).receive(frame.port, frame.pdu, now_);
    }
  }

  Time now_ = 0s;
  std::vector<std::unique_ptr<Switch>> switches_;
  std::deque<Frame> in_flight_;
};

TEST(Mvrp, VlanCrossesAChainWithoutTrunkConfiguration) {
  Chain chain(3);
  chain.at(0).set_registration(Chain::edge, 10, MrpRegistration::fixed);
  chain.run_for(500ms);
  EXPECT_THAT(chain.at(1).dynamic_vlans(Chain::left), ElementsAre(10));
  EXPECT_THAT(chain.at(2).dynamic_vlans(Chain::left), ElementsAre(10));
  // Nobody behind the third asked for it, so no frame of the VLAN needs to go there and back.
  EXPECT_THAT(chain.at(0).dynamic_vlans(Chain::right), IsEmpty());
  EXPECT_THAT(chain.at(1).dynamic_vlans(Chain::right), IsEmpty());

  chain.at(2).set_registration(Chain::edge, 10, MrpRegistration::fixed);
  chain.run_for(500ms);
  EXPECT_THAT(chain.at(0).dynamic_vlans(Chain::right), ElementsAre(10));
  EXPECT_THAT(chain.at(1).dynamic_vlans(Chain::right), ElementsAre(10));
}

TEST(Mvrp, WithdrawnVlanLeavesTheChain) {
  Chain chain(4);
  chain.at(0).set_registration(Chain::edge, 10, MrpRegistration::fixed);
  chain.at(0).set_registration(Chain::edge, 11, MrpRegistration::fixed);
  chain.run_for(1s);
  chain.at(0).set_registration(Chain::edge, 10, MrpRegistration::normal);
  chain.run_for(4 * 700ms);  // a LeaveTime at each switch
  for (const size_t i : {1, 2, 3}) EXPECT_THAT(chain.at(i).dynamic_vlans(Chain::left), ElementsAre(11)) << i;
  EXPECT_THAT(chain.at(0).declared_vlans(Chain::right), ElementsAre(11));
}

TEST(Mvrp, MembersStayThroughManyLeaveAlls) {
  Chain chain(3);
  for (uint16_t vlan = 100; vlan < 200; ++vlan) {
    chain.at(0).set_registration(Chain::edge, vlan, MrpRegistration::fixed);
    chain.at(2).set_registration(Chain::edge, vlan, MrpRegistration::fixed);
  }
  chain.run_for(1s);
  for (int i = 0; i < 1200; ++i) {
    chain.run_for(100ms);
    for (const size_t at : {0, 1}) ASSERT_EQ(chain.at(at).dynamic_vlans(Chain::right).size(), 100u) << i;
    for (const size_t at : {1, 2}) ASSERT_EQ(chain.at(at).dynamic_vlans(Chain::left).size(), 100u) << i;
  }
}

TEST(Mvrp, EachPduMayBeLostOnce) {
  // Whichever of the first PDUs is lost, the registration is there within the periodic second.
  for (size_t lost = 0; lost < 12; ++lost) {
    Chain chain(3);
    size_t count = 0;
    chain.loses = [&](size_t, uint32_t) { return count++ == lost; };
    chain.at(0).set_registration(Chain::edge, 10, MrpRegistration::fixed);
    chain.run_for(2500ms);
    EXPECT_THAT(chain.at(2).dynamic_vlans(Chain::left), ElementsAre(10)) << lost;
  }
}

TEST(Mvrp, ALinkThatLosesHalfOfAllComesBackAgain) {
  MvrpPortOptions options;
  Chain chain(3, options);
  std::minstd_rand random(7);
  chain.loses = [&](size_t, uint32_t) { return random() % 2 == 0; };
  chain.at(0).set_registration(Chain::edge, 10, MrpRegistration::fixed);
  chain.run_for(60s);
  chain.loses = [](size_t, uint32_t) { return false; };
  chain.run_for(2s);
  EXPECT_THAT(chain.at(2).dynamic_vlans(Chain::left), ElementsAre(10));
}

TEST(Mvrp, ASilentNeighbourIsForgotten) {
  MvrpPortOptions options;
  Chain chain(2, options);
  chain.at(0).set_registration(Chain::edge, 10, MrpRegistration::fixed);
  chain.run_for(1s);
  ASSERT_THAT(chain.at(1).dynamic_vlans(Chain::left), ElementsAre(10));
  chain.loses = [](size_t from, uint32_t) { return from == 0; };  // also the leave
  chain.at(0).set_registration(Chain::edge, 10, MrpRegistration::normal);
  chain.run_for(17s);  // a LeaveAll comes after 15 s at the latest
  EXPECT_THAT(chain.at(1).dynamic_vlans(Chain::left), IsEmpty());
}

TEST(Mvrp, WithoutPeriodicTransmissionALostJoinIsRepeatedAtOnce) {
  MvrpPortOptions options;
  options.mrp.periodic_time = 0s;
  Chain chain(2, options);
  size_t count = 0;
  chain.loses = [&](size_t, uint32_t) { return count++ == 0; };
  chain.at(0).set_registration(Chain::edge, 10, MrpRegistration::fixed);
  chain.run_for(500ms);
  EXPECT_THAT(chain.at(1).dynamic_vlans(Chain::left), ElementsAre(10));
  const size_t sent = chain.sent;
  chain.run_for(5s);
  EXPECT_EQ(chain.sent, sent);  // and then there is silence until a LeaveAll
}

TEST(Mvrp, OnlyForwardingPortsPassRegistrationsOn) {
  Chain chain(3);
  chain.at(1).set_forwarding(Chain::right, false);
  chain.at(0).set_registration(Chain::edge, 10, MrpRegistration::fixed);
  chain.run_for(2s);
  EXPECT_THAT(chain.at(1).dynamic_vlans(Chain::left), ElementsAre(10));
  EXPECT_THAT(chain.at(2).dynamic_vlans(Chain::left), IsEmpty());
  chain.at(1).set_forwarding(Chain::right, true);
  chain.run_for(500ms);
  EXPECT_THAT(chain.at(2).dynamic_vlans(Chain::left), ElementsAre(10));
  chain.at(1).set_forwarding(Chain::left, false);
  chain.run_for(1s);
  EXPECT_THAT(chain.at(2).dynamic_vlans(Chain::left), IsEmpty());
}

TEST(Mvrp, ForbiddenVlansAreNotRegistered) {
  Chain chain(3);
  chain.at(1).set_registration(Chain::left, 10, MrpRegistration::forbidden);
  chain.at(0).set_registration(Chain::edge, 10, MrpRegistration::fixed);
  chain.at(0).set_registration(Chain::edge, 11, MrpRegistration::fixed);
  chain.run_for(2s);
  EXPECT_THAT(chain.at(1).dynamic_vlans(Chain::left), ElementsAre(11));
  EXPECT_THAT(chain.at(2).dynamic_vlans(Chain::left), ElementsAre(11));
  chain.at(1).set_registration(Chain::left, 10, MrpRegistration::normal);
  chain.run_for(1500ms);
  EXPECT_THAT(chain.at(2).dynamic_vlans(Chain::left), ElementsAre(10, 11));
}

TEST(Mvrp, RestrictedPortsRegisterStaticVlansOnly) {
  MvrpPortOptions options;
  options.restricted = true;
  Chain chain(2, options);
  chain.at(0).set_registration(Chain::edge, 10, MrpRegistration::fixed);
  chain.run_for(1s);
  EXPECT_THAT(chain.at(1).dynamic_vlans(Chain::left), IsEmpty());
  chain.at(1).set_registration(Chain::edge, 10, MrpRegistration::fixed);
  EXPECT_THAT(chain.at(1).dynamic_vlans(Chain::left), ElementsAre(10));
  chain.at(1).set_registration(Chain::edge, 10, MrpRegistration::normal);
  EXPECT_THAT(chain.at(1).dynamic_vlans(Chain::left), IsEmpty());
}

TEST(Mvrp, AStaticMemberIsNoDynamicOne) {
  Chain chain(2);
  chain.at(0).set_registration(Chain::edge, 10, MrpRegistration::fixed);
  chain.run_for(1s);
  chain.at(1).set_registration(Chain::left, 10, MrpRegistration::fixed);
  EXPECT_THAT(chain.at(1).dynamic_vlans(Chain::left), IsEmpty());
  EXPECT_TRUE(chain.at(1).is_member(Chain::left, 10));
  chain.at(1).set_registration(Chain::left, 10, MrpRegistration::normal);
  EXPECT_THAT(chain.at(1).dynamic_vlans(Chain::left), ElementsAre(10));  // still registered by the other end
}

TEST(Mvrp, RemovedPortTakesItsRegistrationsAlong) {
  Chain chain(3);
  chain.at(0).set_registration(Chain::edge, 10, MrpRegistration::fixed);
  chain.run_for(1s);
  chain.at(1).remove_port(Chain::left);
  EXPECT_FALSE(chain.at(1).has_port(Chain::left));
  chain.run_for(1s);
  EXPECT_THAT(chain.at(2).dynamic_vlans(Chain::left), IsEmpty());
}

TEST(Mvrp, AllVlansCrossAndTakeSeveralFramesWhereTheyAlternate) {
  Chain chain(3);
  for (uint16_t vlan = 1; vlan <= last_vlan; vlan += 2) {
    chain.at(0).set_registration(Chain::edge, vlan, MrpRegistration::fixed);
  }
  chain.run_for(500ms);
  EXPECT_EQ(chain.at(2).dynamic_vlans(Chain::left).size(), 2047u);
  for (uint16_t vlan = 1; vlan <= last_vlan; ++vlan) {
    chain.at(0).set_registration(Chain::edge, vlan, MrpRegistration::fixed);
  }
  chain.run_for(500ms);
  EXPECT_EQ(chain.at(2).dynamic_vlans(Chain::left).size(), 4094u);
}

TEST(Mvrp, ATopologyChangeIsCarriedOnAsNew) {
  Chain chain(3);
  chain.at(0).set_registration(Chain::edge, 10, MrpRegistration::fixed);
  chain.run_for(1s);
  EXPECT_EQ(chain.moved, 0u);
  chain.at(0).topology_changed(Chain::right);
  chain.run_for(500ms);
  EXPECT_GE(chain.moved, 3u);  // at the sender, and at both others
  EXPECT_THAT(chain.at(2).dynamic_vlans(Chain::left), ElementsAre(10));
}

TEST(Mvrp, APortThatBecomesDesignatedForgetsWhatTheOtherEndSaidAsDesignated) {
  Chain chain(3);
  chain.at(0).set_registration(Chain::edge, 10, MrpRegistration::fixed);
  chain.run_for(1s);
  chain.at(1).became_designated(Chain::left);
  EXPECT_THAT(chain.at(1).dynamic_vlans(Chain::left), IsEmpty());
  chain.run_for(1500ms);
  EXPECT_THAT(chain.at(1).dynamic_vlans(Chain::left), ElementsAre(10));  // who is there says it again
  chain.at(1).left_designated(Chain::left, chain.now());
  chain.run_for(1s);
  EXPECT_THAT(chain.at(1).dynamic_vlans(Chain::left), ElementsAre(10));
}

TEST(Mvrp, OnASharedLinkOneJoinOfAnotherIsEnough) {
  MvrpPortOptions options;
  options.mrp.point_to_point = false;
  Chain chain(3, options);
  chain.at(0).set_registration(Chain::edge, 10, MrpRegistration::fixed);
  chain.at(2).set_registration(Chain::edge, 10, MrpRegistration::fixed);
  chain.run_for(3s);
  EXPECT_THAT(chain.at(2).dynamic_vlans(Chain::left), ElementsAre(10));
  EXPECT_THAT(chain.at(0).dynamic_vlans(Chain::right), ElementsAre(10));
}

TEST(Mvrp, TransmissionIsPaced) {
  Chain chain(2);
  for (int i = 0; i < 1000; ++i) {
    chain.at(0).set_registration(Chain::edge, 10, i % 2 ? MrpRegistration::normal : MrpRegistration::fixed);
    chain.run_for(1ms);
  }
  // Three in one and a half JoinTimes at most, from each end.
  EXPECT_LE(chain.sent, 2u * (1 + 10));
}

}  // namespace
}  // namespace strata::network::protocols
