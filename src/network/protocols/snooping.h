// Snooping: learns from IGMP and MLD messages on their way which ports of a VLAN want which multicast (RFC 4541).
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <utility>

#include "network/bridge/port_id.h"
#include "network/protocols/group_message.h"

namespace strata::network::protocols {

class SnoopingHost {
 public:
  /// Where all of the VLAN's multicast and all reports go.
  virtual void set_router_ports(uint16_t vlan, const bridge::PortSet& ports) = 0;
  virtual void set_group_ports(uint16_t vlan, bridge::MacAddress group, const bridge::PortSet& ports) = 0;

 protected:
  ~SnoopingHost() = default;
};

struct SnoopingOptions {
  /// A host that leaves is believed at once: right where each port has one host.
  bool fast_leave = false;
  /// For hostile hosts; further groups get nothing but what goes to routers.
  size_t max_groups = 4096;

  bool operator==(const SnoopingOptions&) const = default;
};

/// While a VLAN has no querier nobody would answer for groups, so all its multicast goes everywhere; also for as long as
/// hosts may take to answer the first query.
class Snooping {
 public:
  enum class Verdict : uint8_t { forward, to_routers };

  /// `host` outlives it.
  Snooping(SnoopingHost& host, const SnoopingOptions& options) : host_(host), options_(options) {}

  void add_vlan(uint16_t vlan);
  void remove_vlan(uint16_t vlan);
  bool has_vlan(uint16_t vlan) const { return vlans_.contains(vlan); }
  void configure(const SnoopingOptions& options) { options_ = options; }

  /// Ports that are there; what was heard from others is forgotten.
  void set_ports(const bridge::PortSet& ports);
  /// Behind this port things may have moved to another one: all goes everywhere until the next query was answered.
  void topology_changed();

  Verdict receive(uint32_t port, uint16_t vlan, Bytes frame, Time now);
  void run(Time now);
  Time deadline() const { return deadline_; }

  /// Ports where a querier was heard; empty if there is none.
  bridge::PortSet querier_ports(uint16_t vlan) const;
  /// Those that joined, by group.
  std::map<GroupAddress, bridge::PortSet> groups(uint16_t vlan) const;

 private:
  using Ports = std::map<uint32_t, Time>;  ///< and when they are forgotten
  /// Those that share an address stand together.
  using GroupKey = std::pair<bridge::MacAddress, GroupAddress>;
  struct Vlan {
    Ports queriers;
    Time filters_from = never;  ///< hosts have answered by then
    bool filters = false;
    std::map<GroupKey, Ports> groups;
    Time membership_interval = std::chrono::seconds(260);  ///< RFC 3376, 8.4
  };

  void receive_query(uint32_t port, uint16_t number, const GroupMessage& message, Time now);
  void receive_report(uint32_t port, uint16_t number, const GroupMessage& message, Time now);
  void publish_routers(uint16_t number, const Vlan& vlan);
  void publish_group(uint16_t number, const Vlan& vlan, bridge::MacAddress address);
  void forget_groups(uint16_t number, Vlan& vlan);
  void expire(uint16_t number, Vlan& vlan, Time now);
  void wake_at(Time time) { deadline_ = std::min(deadline_, time); }

  SnoopingHost& host_;
  SnoopingOptions options_;
  bridge::PortSet ports_;
  std::map<uint16_t, Vlan> vlans_;
  size_t groups_ = 0;
  Time deadline_ = never;
};

}  // namespace strata::network::protocols
