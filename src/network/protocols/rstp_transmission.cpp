// Port Transmit, Port State Transition and Topology Change (IEEE 802.1D-2004, 17.26, 17.30 and 17.31).
#include "network/protocols/rstp.h"

namespace strata::network::protocols {
namespace {

using Topology = RstpPort::Topology;

bool is_in_tree(const RstpPort& port) { return port.role == PortRole::root || port.role == PortRole::designated; }

}  // namespace

bool Rstp::step_state(RstpPort& port) {
  const PortState before = state_of(port);
  if (port.learning && !port.learn) {
    port.learning = port.forwarding = false;
  } else if (port.forwarding && !port.forward) {
    port.learning = port.forwarding = false;
  } else if (!port.learning && port.learn) {
    port.learning = true;
  } else if (port.learning && port.forward) {
    port.forwarding = true;
  }
  const PortState after = state_of(port);
  if (after == before) return false;
  host_.set_port_state(port.number, after);
  return true;
}

bool Rstp::step_topology(RstpPort& port) {
  const bool has_news = port.rcvd_tc || port.rcvd_tcn || port.rcvd_tc_ack || port.tc_prop;
  switch (port.topology_state) {
    case Topology::inactive:
      if (!port.learn) return false;
      port.rcvd_tc = port.rcvd_tcn = port.rcvd_tc_ack = port.tc_prop = false;
      port.topology_state = Topology::learning;
      return true;
    case Topology::learning:
      if (is_in_tree(port) && port.forward && !port.oper_edge) {  // DETECTED
        new_tc_while(port);
        set_tc_prop_tree(port);
        port.new_info = true;
        ++port.topology_changes;
        host_.on_topology_change(port.number);
        port.topology_state = Topology::active;
        return true;
      }
      if (has_news) {
        port.rcvd_tc = port.rcvd_tcn = port.rcvd_tc_ack = port.tc_prop = false;
        return true;
      }
      if (is_in_tree(port) || port.learn || port.learning) return false;
      host_.flush(port.number);
      port.tc_while = 0;
      port.tc_ack = false;
      port.topology_state = Topology::inactive;
      return true;
    case Topology::active: return step_active_topology(port);
  }
  return false;
}

bool Rstp::step_active_topology(RstpPort& port) {
  if (!is_in_tree(port) || port.oper_edge) {
    port.rcvd_tc = port.rcvd_tcn = port.rcvd_tc_ack = port.tc_prop = false;
    port.topology_state = Topology::learning;
    return true;
  }
  if (port.rcvd_tcn || port.rcvd_tc) {  // NOTIFIED_TCN, NOTIFIED_TC
    if (port.rcvd_tcn) new_tc_while(port);
    port.rcvd_tcn = port.rcvd_tc = false;
    if (port.role == PortRole::designated) port.tc_ack = true;
    set_tc_prop_tree(port);
    return true;
  }
  if (port.tc_prop) {  // PROPAGATING
    new_tc_while(port);
    host_.flush(port.number);
    port.tc_prop = false;
    return true;
  }
  if (port.rcvd_tc_ack) {  // ACKNOWLEDGED
    port.tc_while = 0;
    port.rcvd_tc_ack = false;
    return true;
  }
  return false;
}

// newTcWhile() (17.21.7)
void Rstp::new_tc_while(RstpPort& port) {
  if (port.tc_while != 0) return;
  if (port.send_rstp) {
    port.tc_while = options_.hello_time + 1u;
    port.new_info = true;
  } else {
    port.tc_while = root_times_.max_age + root_times_.forward_delay;
  }
}

// setTcPropTree() (17.21.18)
void Rstp::set_tc_prop_tree(const RstpPort& source) {
  for (auto& [number, port] : ports_) {
    if (&port != &source) port.tc_prop = true;
  }
}

bool Rstp::step_transmit(RstpPort& port) {
  if (!port.selected || port.updt_info) return false;
  if (port.hello_when == 0) {  // TRANSMIT_PERIODIC
    port.hello_when = options_.hello_time;
    port.new_info |= port.role == PortRole::designated || (port.role == PortRole::root && port.tc_while != 0);
    return true;
  }
  if (!port.new_info || port.tx_count >= options_.hold_count) return false;
  // In the old protocol only designated ports speak, and root ports of topology changes.
  if (!port.send_rstp && !is_in_tree(port)) return false;
  port.new_info = false;
  if (port.port_enabled) transmit(port);
  port.hello_when = options_.hello_time;
  return true;
}

// txConfig(), txRstp() and txTcn() (17.21.19 to 17.21.21).
void Rstp::transmit(RstpPort& port) {
  Bpdu bpdu;
  bpdu.type = BpduType::rapid;
  if (!port.send_rstp) {
    bpdu.type = port.role == PortRole::root ? BpduType::topology_change_notification : BpduType::config;
  }
  bpdu.topology_change = port.tc_while != 0;
  bpdu.role = port.role;
  if (bpdu.type == BpduType::rapid) {
    bpdu.proposal = port.role == PortRole::designated && port.proposing;
    bpdu.learning = port.learning;
    bpdu.forwarding = port.forwarding;
    bpdu.agreement = port.agree;
  } else {
    bpdu.topology_change_ack = port.tc_ack;
  }
  bpdu.priority = port.designated_priority;
  bpdu.times = port.designated_times;
  if (bpdu.type != BpduType::topology_change_notification) port.tc_ack = false;
  ++port.tx_count;
  ++port.bpdus_sent;
  host_.send_bpdu(port.number, encode_bpdu_frame(bpdu, options_.address));
}

}  // namespace strata::network::protocols
