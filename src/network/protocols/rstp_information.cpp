// Port Receive, Port Protocol Migration, Bridge Detection and Port Information (802.1D-2004, 17.23, 17.24, 17.25, 17.27).
#include <algorithm>

#include "network/protocols/rstp.h"

namespace strata::network::protocols {
namespace {

using InfoIs = RstpPort::InfoIs;
using Migration = RstpPort::Migration;
using Receive = RstpPort::Receive;

constexpr unsigned migrate_time = 3;

enum class Information : uint8_t {
  superior_designated,
  repeated_designated,
  inferior_designated,
  inferior_root_alternate,
  other,
};

bool is_same_sender(const PriorityVector& a, const PriorityVector& b) {
  return a.bridge.address == b.bridge.address && (a.port & 0xfff) == (b.port & 0xfff);
}

// rcvInfo() (17.21.8). What a designated port says replaces what it said before, be it better or worse (17.6).
Information classify(const RstpPort& port) {
  const Bpdu& message = port.message;
  if (message.type == BpduType::topology_change_notification) return Information::other;
  const auto order = message.priority <=> port.port_priority;
  if (message.role == PortRole::designated) {
    if (order == 0) {
      return message.times == port.port_times ? Information::repeated_designated : Information::superior_designated;
    }
    if (order < 0 || is_same_sender(message.priority, port.port_priority)) return Information::superior_designated;
    return Information::inferior_designated;
  }
  return message.role != PortRole::disabled && order >= 0 ? Information::inferior_root_alternate : Information::other;
}

// setTcFlags() (17.21.17)
void set_tc_flags(RstpPort& port) {
  const Bpdu& message = port.message;
  if (message.topology_change_ack) port.rcvd_tc_ack = true;
  if (port.options.restricted_tcn) return;
  if (message.topology_change) port.rcvd_tc = true;
  if (message.type == BpduType::topology_change_notification) port.rcvd_tcn = true;
}

// updtRcvdInfoWhile() (17.21.23): information is good for three hellos, unless it has come too far.
void update_rcvd_info_while(RstpPort& port) {
  const bool is_fresh = port.port_times.message_age + 1 <= port.port_times.max_age;
  port.rcvd_info_while = is_fresh ? 3u * port.port_times.hello_time : 0;
}

// recordProposal() (17.21.11)
void record_proposal(RstpPort& port) {
  if (port.message.proposal) port.proposed = true;
}

}  // namespace

bool Rstp::step_receive(RstpPort& port) {
  if (!port.port_enabled) {
    if (!port.rcvd_bpdu && port.edge_delay_while == migrate_time) return false;
    port.rcvd_bpdu = port.rcvd_rstp = port.rcvd_stp = port.rcvd_msg = false;
    port.edge_delay_while = migrate_time;
    port.receive_state = Receive::discard;
    return true;
  }
  if (!port.rcvd_bpdu || (port.receive_state == Receive::receive && port.rcvd_msg)) return false;
  port.receive_state = Receive::receive;
  (port.message.type == BpduType::rapid ? port.rcvd_rstp : port.rcvd_stp) = true;  // updtBPDUVersion()
  port.oper_edge = port.rcvd_bpdu = false;
  port.rcvd_msg = true;
  port.edge_delay_while = migrate_time;
  return true;
}

bool Rstp::step_migration(RstpPort& port) {
  const auto check_rstp = [&] {
    port.mcheck = false;
    port.send_rstp = rstp_version();
    port.mdelay_while = migrate_time;
    port.migration_state = Migration::checking_rstp;
    return true;
  };
  const auto sense = [&] {
    port.rcvd_rstp = port.rcvd_stp = false;
    port.migration_state = Migration::sensing;
    return true;
  };
  switch (port.migration_state) {
    case Migration::checking_rstp:
      if (!port.port_enabled) return port.mdelay_while != migrate_time && check_rstp();
      return port.mdelay_while == 0 && sense();
    case Migration::selecting_stp: return (port.mdelay_while == 0 || !port.port_enabled || port.mcheck) && sense();
    case Migration::sensing: break;
  }
  if (!port.port_enabled || port.mcheck || (rstp_version() && !port.send_rstp && port.rcvd_rstp)) return check_rstp();
  if (!port.send_rstp || !port.rcvd_stp) return false;
  port.send_rstp = false;
  port.mdelay_while = migrate_time;
  port.migration_state = Migration::selecting_stp;
  return true;
}

bool Rstp::step_bridge_detection(RstpPort& port) {
  const bool was_edge = port.oper_edge;
  if (!port.port_enabled) {
    port.oper_edge = port.options.admin_edge;
  } else if (port.edge_delay_while == 0 && port.options.auto_edge && port.send_rstp && port.proposing) {
    port.oper_edge = true;
  }
  return port.oper_edge != was_edge;
}

bool Rstp::step_information(RstpPort& port) {
  if (!port.port_enabled) {
    if (port.info_is == InfoIs::disabled && !port.rcvd_msg) return false;
    port.rcvd_msg = port.proposing = port.proposed = port.agree = port.agreed = false;
    port.rcvd_info_while = 0;
    port.info_is = InfoIs::disabled;
    reselect(port);
    return true;
  }
  const bool has_aged =
      port.info_is == InfoIs::received && port.rcvd_info_while == 0 && !port.updt_info && !port.rcvd_msg;
  if (port.info_is == InfoIs::disabled || has_aged) {
    port.info_is = InfoIs::aged;
    reselect(port);
    return true;
  }
  if (port.selected && port.updt_info) {
    update_information(port);
    return true;
  }
  if (port.info_is == InfoIs::aged || !port.rcvd_msg || port.updt_info) return false;
  receive_information(port);
  port.rcvd_msg = false;
  return true;
}

// UPDATE: this bridge is the designated one.
void Rstp::update_information(RstpPort& port) {
  port.proposing = port.proposed = false;
  const bool is_same = port.info_is == InfoIs::mine && port.designated_priority == port.port_priority;
  port.agreed = port.agreed && is_same;
  port.synced = port.synced && port.agreed;
  port.port_priority = port.designated_priority;
  port.port_times = port.designated_times;
  port.updt_info = false;
  port.info_is = InfoIs::mine;
  port.new_info = true;
}

void Rstp::receive_information(RstpPort& port) {
  const Bpdu& message = port.message;
  switch (classify(port)) {
    case Information::superior_designated:
      port.agreed = port.proposing = false;
      record_proposal(port);
      set_tc_flags(port);
      port.agree = port.agree && port.info_is == InfoIs::received && message.priority == port.port_priority;
      port.port_priority = message.priority;
      port.port_times = message.times;
      update_rcvd_info_while(port);
      port.info_is = InfoIs::received;
      reselect(port);
      break;
    case Information::repeated_designated:
      record_proposal(port);
      set_tc_flags(port);
      update_rcvd_info_while(port);
      break;
    case Information::inferior_designated:  // recordDispute() (17.21.10): the other end forwards, and does not hear us
      if (message.type == BpduType::rapid && message.learning) {
        port.disputed = true;
        port.agreed = false;
      }
      break;
    case Information::inferior_root_alternate:  // recordAgreement() (17.21.9)
      port.agreed =
          rstp_version() && port.options.point_to_point && message.agreement &&
          message.priority.root == port.port_priority.root &&
          (message.role != PortRole::root || message.priority.root_path_cost > port.port_priority.root_path_cost);
      if (port.agreed) port.proposing = false;
      set_tc_flags(port);
      break;
    case Information::other:
      if (message.type == BpduType::topology_change_notification) set_tc_flags(port);
      break;
  }
}

}  // namespace strata::network::protocols
