// Model: what a VLAN bridge does with frames, said a second time with plain maps, to hold the real one against.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <vector>

#include "network/bridge/config.h"
#include "network/bridge/protocol.h"

namespace strata::network::model {

using Octets = std::vector<std::byte>;
using bridge::MacAddress;
using bridge::PortConfig;
using bridge::PortId;
using bridge::PortState;
using bridge::Time;
using bridge::Vid;

/// Shares with the bridge the words of its configuration and nothing of its code. Without rates, mirrors, GSO and
/// protocols; access lists look at addresses and VLANs only. Ageing is exact: the bridge has to be polled, and polls be a
/// second apart at least.
class Model {
 public:
  void configure(const bridge::BridgeConfig& config);
  void set_port(PortId port, const PortConfig& config);  ///< a new one, or another configuration
  void remove_port(PortId port);
  void set_up(PortId port, bool up);
  void set_state(PortId port, PortState state) { ports_.at(port).state = state; }
  void set_registered(PortId port, Vid vid, bool registered);
  void flush(PortId port);
  void set_snooping(Vid vid, bool on) { on ? (void)snooped_.insert(vid) : (void)snooped_.erase(vid); }
  void set_routers(Vid vid, const std::set<PortId>& ports);
  void set_group(Vid vid, MacAddress address, const std::set<PortId>& ports) { groups_[{vid, address}] = ports; }

  void receive(PortId port, const Octets& frame, Time now);
  /// Takes what waits for the port.
  std::vector<Octets> drain(PortId port);

  bool is_member(PortId port, Vid vid) const;
  using Place = std::tuple<Vid, MacAddress, PortId>;  ///< FID, address, port
  std::set<Place> stations(Time now) const;

 private:
  struct Waiting {
    Vid vid;
    unsigned priority;
    unsigned traffic_class;
    bool drop_eligible;
    Octets untagged;  // without the tag that made it one of the VLAN
  };
  struct Port {
    PortConfig config;
    std::set<Vid> registered;
    bool up = true;
    PortState state = PortState::forwarding;
    std::vector<Waiting> queue;
  };
  struct Station {
    PortId port;
    Time heard;
    bool is_static;
  };
  struct Classified {
    Vid vid;
    unsigned priority;
    bool drop_eligible;
    bool tagged;
  };

  Vid fid(Vid vid) const;
  bool vlan_exists(Vid vid) const;
  void forget_lost_stations(PortId port);
  void install_static(PortId port);
  const Station* find(Vid vid, MacAddress address, Time now) const;
  std::optional<Classified> classify(const Port& port, PortId id, const Octets& frame) const;
  bool permitted(const std::vector<bridge::AclRule>& rules, Vid vid, MacAddress to, MacAddress from) const;
  bool learn(const Port& port, PortId id, Vid vid, MacAddress from, Time now);
  std::set<PortId> destinations(PortId in, Vid vid, MacAddress to, Time now) const;
  std::set<PortId> group_members(Vid vid, MacAddress group, const std::set<PortId>& all) const;

  bridge::BridgeConfig config_;
  std::map<PortId, Port> ports_;
  std::map<std::pair<Vid, MacAddress>, Station> stations_;
  std::set<Vid> snooped_;
  std::map<Vid, std::set<PortId>> routers_;
  std::map<std::pair<Vid, MacAddress>, std::set<PortId>> groups_;
};

}  // namespace strata::network::model
