// Rstp: the Rapid Spanning Tree Protocol of one bridge (IEEE 802.1D-2004, clause 17): no loops, and a way around
// what fails.
#pragma once

#include <cstdint>
#include <map>

#include "network/protocols/rstp_port.h"
#include "network/protocols/time.h"

namespace strata::network::protocols {

/// What a bridge does for its spanning tree. Calls come from inside of calls to Rstp.
class RstpHost {
 public:
  virtual void set_port_state(uint32_t port, PortState state) = 0;
  /// Forgets the stations learnt behind the port.
  virtual void flush(uint32_t port) = 0;
  /// A whole frame, untagged, whatever the port's state.
  virtual void send_bpdu(uint32_t port, Bytes frame) = 0;
  virtual void on_role_changed(uint32_t /*port*/, PortRole /*from*/, PortRole /*to*/) {}
  /// Detected at this port itself, not heard of.
  virtual void on_topology_change(uint32_t /*port*/) {}

 protected:
  ~RstpHost() = default;
};

/// Seconds; to be right together, 2 * (forward_delay - 1) >= max_age >= 2 * (hello_time + 1) (17.14).
struct RstpOptions {
  uint64_t address = 0;        ///< the bridge's, 48 bits
  uint16_t priority = 0x8000;  ///< a multiple of 4096
  uint8_t max_age = 20;        ///< 6 to 40
  uint8_t hello_time = 2;      ///< 1 to 10
  uint8_t forward_delay = 15;  ///< 4 to 30
  uint8_t hold_count = 6;      ///< BPDUs a second and port, 1 to 10
  bool stp_only = false;       ///< Force Protocol Version 0: as 802.1D-1998 has it, for what cannot bear with more

  bool operator==(const RstpOptions&) const = default;
};

class Rstp {
 public:
  /// `host` outlives it.
  Rstp(RstpHost& host, const RstpOptions& options, Time now);

  void configure(const RstpOptions& options);

  /// `port` is 0 to 4094; its number in BPDUs is one more. A new port is down and discarding.
  void add_port(uint32_t port, const RstpPortOptions& options);
  void remove_port(uint32_t port);
  void configure_port(uint32_t port, const RstpPortOptions& options);
  void set_up(uint32_t port, bool up);
  /// After a BPDU tripped the guard; and lets the port find out anew whether its peers know RSTP (mcheck).
  void reset_port(uint32_t port);

  /// A whole frame to 01-80-C2-00-00-00.
  void receive(uint32_t port, Bytes frame);

  /// The protocol counts in seconds.
  void run(Time now);
  Time deadline() const { return next_tick_; }

  const RstpOptions& options() const { return options_; }
  BridgeId bridge_id() const { return {options_.priority, options_.address}; }
  /// As known to this bridge: itself where it is the root.
  const PriorityVector& root_priority() const { return root_priority_; }
  bool is_root() const { return root_priority_.root == bridge_id(); }
  const BpduTimes& root_times() const { return root_times_; }
  const std::map<uint32_t, RstpPort>& ports() const { return ports_; }
  static PortState state_of(const RstpPort& port);

 private:
  void begin(RstpPort& port);
  void enable(RstpPort& port);
  void reselect(RstpPort& port);
  void reselect_all();
  void settle();
  bool step(RstpPort& port);
  void tick();

  // rstp_information.cpp: what comes in, and which information a port holds
  bool step_receive(RstpPort& port);
  bool step_migration(RstpPort& port);
  bool step_bridge_detection(RstpPort& port);
  bool step_information(RstpPort& port);
  void update_information(RstpPort& port);
  void receive_information(RstpPort& port);

  // rstp_roles.cpp: which role each port has, and when it may forward in it
  bool step_role_selection();
  void update_roles();
  PortRole select_role(RstpPort& port, const RstpPort* root_port);
  bool step_role_transitions(RstpPort& port);
  void take_role(RstpPort& port);
  bool step_blocked(RstpPort& port);
  bool step_root(RstpPort& port);
  bool step_designated(RstpPort& port);
  bool propose_and_agree(RstpPort& port);
  bool all_synced() const;
  bool re_rooted(const RstpPort& port) const;
  void set_sync_tree();
  void set_re_root_tree();

  // rstp_transmission.cpp: what goes out, the states of ports, topology changes
  bool step_state(RstpPort& port);
  bool step_topology(RstpPort& port);
  bool step_active_topology(RstpPort& port);
  bool step_transmit(RstpPort& port);
  void new_tc_while(RstpPort& port);
  void set_tc_prop_tree(const RstpPort& source);
  void transmit(RstpPort& port);

  bool rstp_version() const { return !options_.stp_only; }
  BpduTimes bridge_times() const { return {0, options_.max_age, options_.hello_time, options_.forward_delay}; }

  RstpHost& host_;
  RstpOptions options_;
  Time next_tick_;
  std::map<uint32_t, RstpPort> ports_;
  PriorityVector root_priority_;
  BpduTimes root_times_;
  uint16_t root_port_id_ = 0;
};

}  // namespace strata::network::protocols
