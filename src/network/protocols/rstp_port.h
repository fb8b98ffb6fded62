// What the state machines of the Rapid Spanning Tree Protocol know of a port (IEEE 802.1D-2004, 17.17 and 17.19).
#pragma once

#include <cstdint>

#include "network/bridge/protocol.h"
#include "network/protocols/bpdu.h"

namespace strata::network::protocols {

using bridge::PortState;

struct RstpPortOptions {
  uint8_t priority = 128;       ///< a multiple of 16
  uint32_t path_cost = 20'000;  ///< 1 to 200,000,000; 20,000 is a gigabit a second (table 17-3)
  bool admin_edge = false;      ///< no bridge is expected: forwards at once
  bool auto_edge = true;        ///< becomes an edge port when no bridge was heard for three seconds
  bool point_to_point = true;
  bool bpdu_guard = false;       ///< a BPDU shuts the port until it is enabled again
  bool restricted_role = false;  ///< never becomes the root port ("root guard")
  bool restricted_tcn = false;   ///< topology changes heard here are not passed on

  bool operator==(const RstpPortOptions&) const = default;
};

/// The standard's variables, in its order and with its names.
struct RstpPort {
  uint32_t number = 0;  ///< the caller's
  RstpPortOptions options;
  bool is_up = false;
  bool guard_tripped = false;

  // Timers in seconds (17.17).
  unsigned edge_delay_while = 0;
  unsigned fd_while = 0;
  unsigned hello_when = 0;
  unsigned mdelay_while = 0;
  unsigned rb_while = 0;
  unsigned rcvd_info_while = 0;
  unsigned rr_while = 0;
  unsigned tc_while = 0;

  // Variables (17.19).
  bool agree = false;
  bool agreed = false;
  PriorityVector designated_priority;
  BpduTimes designated_times;
  bool disputed = false;
  bool forward = false;
  bool forwarding = false;
  enum class InfoIs : uint8_t { disabled, aged, mine, received } info_is = InfoIs::disabled;
  bool learn = false;
  bool learning = false;
  bool mcheck = false;
  Bpdu message;  ///< msgPriority, msgTimes and the flags
  bool new_info = false;
  bool oper_edge = false;
  bool port_enabled = false;
  uint16_t port_id = 0;
  PriorityVector port_priority;
  BpduTimes port_times;
  bool proposed = false;
  bool proposing = false;
  bool rcvd_bpdu = false;
  bool rcvd_msg = false;
  bool rcvd_rstp = false;
  bool rcvd_stp = false;
  bool rcvd_tc = false;
  bool rcvd_tc_ack = false;
  bool rcvd_tcn = false;
  bool re_root = false;
  bool reselect = false;
  PortRole role = PortRole::disabled;
  bool selected = false;
  PortRole selected_role = PortRole::disabled;
  bool send_rstp = true;
  bool sync = false;
  bool synced = false;
  bool tc_ack = false;
  bool tc_prop = false;
  unsigned tx_count = 0;
  bool updt_info = false;

  // States of those machines whose variables do not tell them.
  enum class Receive : uint8_t { discard, receive } receive_state = Receive::discard;
  enum class Migration : uint8_t { checking_rstp, selecting_stp, sensing } migration_state = Migration::checking_rstp;
  enum class Topology : uint8_t { inactive, learning, active } topology_state = Topology::inactive;

  // Counters, for people.
  uint64_t bpdus_received = 0;
  uint64_t bpdus_sent = 0;
  uint64_t topology_changes = 0;
};

}  // namespace strata::network::protocols
