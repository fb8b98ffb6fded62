// For tests: bridges with control protocols, joined by cables, in virtual time.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "network/bridge/test_switch.h"
#include "network/protocols/control_plane.h"

namespace strata::network::protocols {

class Cabled : public testing::Test {
 protected:
  using MacAddress = bridge::MacAddress;
  using PortId = bridge::PortId;
  using Octets = bridge::Octets;
  static constexpr MacAddress broadcast{0xffff'ffff'ffff};

  struct Switch {
    explicit Switch(uint64_t address) : station({.address = MacAddress(address)}) {}
    bridge::TestSwitch station;
    std::unique_ptr<ControlPlane> control;
  };
  struct End {
    size_t at;
    PortId port;
    bool operator==(const End&) const = default;
  };
  struct Cable {
    End a, b;
    bool is_whole = true;
  };

  void make_switches(size_t count, const ControlOptions& options) {
    for (size_t i = 0; i < count; ++i) {
      switches.push_back(std::make_unique<Switch>(0x0200'0000'0100 + i));
      auto& one = *switches.back();
      one.station.now = now;
      one.control = std::make_unique<ControlPlane>(*one.station.bridge, options, 100 * i + 1, now);
    }
  }
  bridge::Bridge& at(size_t index) { return *switches[index]->station.bridge; }
  ControlPlane& control(size_t index) { return *switches[index]->control; }
  PortId add_edge(size_t index, uint16_t vlan) {
    const PortId port = switches[index]->station.add(bridge::access_port("h" + std::to_string(names++), vlan));
    ControlPortOptions edge;
    edge.rstp.admin_edge = true;
    control(index).configure_port(port, edge, now);
    return port;
  }
  /// Of trunks that are members of nothing by configuration.
  size_t join(size_t a, size_t b) {
    ControlPortOptions options;
    options.mvrp = true;
    const auto add = [&](size_t index) {
      const PortId port = switches[index]->station.add(bridge::trunk_port("t" + std::to_string(names++), {}));
      control(index).configure_port(port, options, now);
      return End{index, port};
    };
    const End first = add(a);
    cables.push_back({first, add(b)});
    return cables.size() - 1;
  }
  void cut(size_t cable) {
    cables[cable].is_whole = false;
    for (const End& end : {cables[cable].a, cables[cable].b}) at(end.at).set_up(end.port, false, now);
  }

  void run_for(Time duration) {
    const Time end = now + duration;
    for (;;) {
      while (carry()) {
      }
      Time next = never;
      for (auto& one : switches) next = std::min(next, one->station.bridge->next_deadline());
      if (next > end) break;
      set_time(std::max(next, now));
      for (auto& one : switches) one->station.bridge->poll(now);
    }
    set_time(end);
  }
  /// What a host at this port gets after `from` has sent a frame, tagged or not.
  size_t count_at(const End& to, const End& from, MacAddress source = MacAddress(0x0200'0000'0001)) {
    run_for(Time::zero());
    at_host(to);
    switches[from.at]->station.receive(from.port, bridge::frame_of(broadcast, source));
    run_for(Time::zero());
    return at_host(to);
  }
  /// Frames of hosts, not those of protocols, that left at this port.
  size_t at_host(const End& host) {
    size_t count = 0;
    for (const Octets& octets : switches[host.at]->station.take(host.port)) {
      count += MacAddress::load(octets.data()) == broadcast;
    }
    return count;
  }

  void expect_once_each(const std::vector<End>& hosts) {
    for (const End& from : hosts) {
      for (const End& to : hosts) {
        if (from == to) continue;
        EXPECT_EQ(count_at(to, from), 1u) << from.at << " to " << to.at;
      }
    }
  }

  Time now = std::chrono::hours(1);
  int names = 0;
  std::vector<std::unique_ptr<Switch>> switches;
  std::vector<Cable> cables;
  size_t carried = 0;
  std::function<void(const Octets&)> on_carried = [](const Octets&) {};

 private:
  void set_time(Time time) {
    now = time;
    for (auto& one : switches) one->station.now = time;
  }
  bool carry() {
    bool any = false;
    for (const Cable& cable : cables) {
      for (const auto& [from, to] : {std::pair(cable.a, cable.b), std::pair(cable.b, cable.a)}) {
        for (const Octets& octets : switches[from.at]->station.take(from.port)) {
          on_carried(octets);
          if (cable.is_whole) switches[to.at]->station.receive(to.port, octets);
          any = true;
          if (++carried > 100'000) ADD_FAILURE() << "a loop", exit(1);
        }
      }
    }
    return any;
  }
};

}  // namespace strata::network::protocols
