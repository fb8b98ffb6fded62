// Mvrp: VLANs registered by switches at each other, and carried on from port to port (802.1Q-2018, clause 11.2).
#pragma once

#include <bitset>
#include <cstdint>
#include <map>
#include <memory>
#include <set>

#include "network/protocols/mrp_participant.h"

namespace strata::network::protocols {

constexpr uint16_t last_vlan = 4094;

/// What a switch does for its MVRP.
class MvrpHost {
 public:
  /// The port became, or is no longer, a member of the VLAN by registration; never said of static members.
  virtual void on_vlan_registered(uint32_t port, uint16_t vlan) = 0;
  virtual void on_vlan_deregistered(uint32_t port, uint16_t vlan) = 0;
  /// The hosts of this VLAN may have moved away from this port to another one: forget their addresses.
  virtual void on_vlan_moved(uint32_t port, uint16_t vlan) = 0;
  /// To 01-80-C2-00-00-21 with EtherType 88-F5, untagged, whatever the state of the port.
  virtual void send_mvrpdu(uint32_t port, Bytes pdu) = 0;

 protected:
  ~MvrpHost() = default;
};

struct MvrpPortOptions {
  MrpOptions mrp;
  /// Restricted_VLAN_Registration (11.2.3.2.3): only VLANs that are static at some port can be registered.
  bool restricted = false;
};

class Mvrp {
 public:
  /// `host` outlives it.
  Mvrp(MvrpHost& host, uint64_t seed);
  ~Mvrp();

  /// Ports are known by numbers of the caller's. A new port does not forward.
  void add_port(uint32_t port, const MvrpPortOptions& options, Time now);
  /// Its registrations end.
  void remove_port(uint32_t port);

  /// In the forwarding state: registrations pass from and to it (10.3, MAP contexts).
  void set_forwarding(uint32_t port, bool forwarding);
  /// Static VLAN registration entry (8.8.2): fixed for a member by configuration, also of a port not added here, such as
  /// an access port without MVRP; forbidden for a VLAN that must not come to this port.
  void set_registration(uint32_t port, uint16_t vlan, MrpRegistration registration);
  /// The spanning tree gave the port another role: from root or alternate to designated, or back (10.7.5.2, 10.7.5.3).
  void became_designated(uint32_t port);
  void left_designated(uint32_t port, Time now);
  /// The topology changed at this port: what is declared there is declared as new (11.2.5).
  void topology_changed(uint32_t port);

  /// `pdu` follows the EtherType. From a port that was not added, nothing happens.
  void receive(uint32_t port, Bytes pdu, Time now);

  void run(Time now);
  Time deadline() const;

  bool has_port(uint32_t port) const;
  /// By registration or by configuration.
  bool is_member(uint32_t port, uint16_t vlan) const;
  /// Registered by the other end, not static.
  std::set<uint16_t> dynamic_vlans(uint32_t port) const;
  std::set<uint16_t> declared_vlans(uint32_t port) const;

 private:
  using Vlans = std::bitset<last_vlan + 1>;
  class Port;

  Port& port_at(uint32_t port);
  void on_registered(Port& port, uint16_t vlan, bool is_new);
  void propagate(uint16_t vlan);
  void propagate_all();
  bool is_static_somewhere(uint16_t vlan) const;

  MvrpHost& host_;
  uint64_t seed_;
  std::map<uint32_t, std::unique_ptr<Port>> ports_;
};

}  // namespace strata::network::protocols
