// ControlPlane: the control protocols of one bridge, joined to it and to each other.
#pragma once

#include <map>
#include <optional>
#include <span>

#include "network/bridge/bridge.h"
#include "network/protocols/mvrp.h"
#include "network/protocols/rstp.h"
#include "network/protocols/snooping.h"

namespace strata::network::protocols {

struct ControlPortOptions {
  RstpPortOptions rstp;  ///< in a bridge with RSTP, every port takes part
  bool mvrp = false;     ///< needs MVRP in the bridge
  bool mvrp_restricted = false;

  bool operator==(const ControlPortOptions&) const = default;
};

struct ControlOptions {
  bool rstp = false;
  RstpOptions spanning_tree;  ///< without the address: it is the bridge's own
  bool mvrp = false;
  MrpOptions mrp;
  bridge::VlanSet snooped;  ///< VLANs with IGMP and MLD snooping
  SnoopingOptions snooping;

  bool operator==(const ControlOptions&) const = default;
};

/// All calls come on the bridge's thread. The bridge outlives it and calls it for frames, ports and deadlines; who changes
/// the configuration of the bridge has nothing else to do.
class ControlPlane final : private bridge::Protocol,
                           private bridge::Snooper,
                           private RstpHost,
                           private MvrpHost,
                           private SnoopingHost {
 public:
  /// `seed` spreads the moments at which switches speak.
  ControlPlane(bridge::Bridge& bridge, const ControlOptions& options, uint64_t seed, Time now);
  /// All ports forward, and what was registered is gone.
  ~ControlPlane() override;
  ControlPlane(const ControlPlane&) = delete;
  ControlPlane& operator=(const ControlPlane&) = delete;

  /// What changes begins anew; what stays goes on.
  void configure(const ControlOptions& options, Time now);
  /// Before the port is added or at any time after; kept until it is removed. Ports begin with the default options.
  void configure_port(bridge::PortId port, const ControlPortOptions& options, Time now);
  /// Opens a port that the BPDU guard shut, and asks again whether its peer knows RSTP.
  void reset_port(bridge::PortId port);

  const ControlOptions& options() const { return options_; }
  /// For people to look at; nullptr where the protocol is off.
  const Rstp* rstp() const { return rstp_ ? &*rstp_ : nullptr; }
  const Mvrp* mvrp() const { return mvrp_ ? &*mvrp_ : nullptr; }
  const Snooping& snooping() const { return snooping_; }

 private:
  struct Port {
    ControlPortOptions options;
    bridge::VlanSet fixed, forbidden;  ///< as MVRP was told
    bool speaks_mvrp = false;
  };

  // bridge::Protocol
  void receive(bridge::PortId port, std::span<const std::byte> frame, Time now) override;
  void port_changed(bridge::PortId port, Time now) override;
  void poll(Time now) override;
  Time next_deadline() const override;

  // bridge::Snooper
  Verdict snoop(bridge::PortId port, bridge::Vid vid, std::span<const std::byte> frame, Time now) override;

  // SnoopingHost
  void set_router_ports(uint16_t vlan, const bridge::PortSet& ports) override;
  void set_group_ports(uint16_t vlan, bridge::MacAddress group, const bridge::PortSet& ports) override;

  // RstpHost
  void set_port_state(uint32_t port, PortState state) override;
  void flush(uint32_t port) override;
  void send_bpdu(uint32_t port, Bytes frame) override { send(port, frame); }
  void on_role_changed(uint32_t port, PortRole from, PortRole to) override;
  void on_topology_change(uint32_t port) override;

  // MvrpHost
  void on_vlan_registered(uint32_t port, uint16_t vlan) override { set_registered(port, vlan, true); }
  void on_vlan_deregistered(uint32_t port, uint16_t vlan) override { set_registered(port, vlan, false); }
  void on_vlan_moved(uint32_t port, uint16_t vlan) override;
  void send_mvrpdu(uint32_t port, Bytes pdu) override;

  void start_rstp(Time now);
  void stop_rstp();
  void start_mvrp();
  void stop_mvrp();
  void update_snooping();
  void update_rstp(bridge::PortId port);
  void update_mvrp(bridge::PortId port, Time now);
  void forget(bridge::PortId port);
  void set_registered(uint32_t port, uint16_t vlan, bool registered);
  void send(uint32_t port, Bytes frame);

  bridge::Bridge& bridge_;
  ControlOptions options_;
  const uint64_t seed_;
  Time now_;  ///< of the call under way
  std::map<bridge::PortId, Port> ports_;
  std::optional<Rstp> rstp_;
  std::optional<Mvrp> mvrp_;
  Snooping snooping_;
};

}  // namespace strata::network::protocols
