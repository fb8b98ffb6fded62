// Port Role Selection and Port Role Transitions (IEEE 802.1D-2004, 17.28 and 17.29).
#include <algorithm>
#include <limits>
#include <tuple>

#include "network/protocols/rstp.h"

namespace strata::network::protocols {
namespace {

using InfoIs = RstpPort::InfoIs;

constexpr unsigned migrate_time = 3;

uint32_t add_costs(uint32_t a, uint32_t b) {
  return a > std::numeric_limits<uint32_t>::max() - b ? std::numeric_limits<uint32_t>::max() : a + b;
}

// forwardDelay (17.20.6)
unsigned forward_delay(const RstpPort& port) {
  return port.send_rstp ? port.designated_times.hello_time : port.designated_times.forward_delay;
}

bool is_settled(const RstpPort& port) { return port.selected && !port.updt_info; }

}  // namespace

bool Rstp::step_role_selection() {
  const auto wants = [](const auto& entry) { return entry.second.reselect; };
  if (std::none_of(ports_.begin(), ports_.end(), wants)) return false;
  for (auto& [number, port] : ports_) port.reselect = false;
  update_roles();
  for (auto& [number, port] : ports_) port.selected = true;
  return true;
}

// updtRolesTree() (17.21.25)
void Rstp::update_roles() {
  const RstpPort* root_port = nullptr;
  root_priority_ = {bridge_id(), 0, bridge_id(), 0};
  for (const auto& [number, port] : ports_) {
    if (port.info_is != InfoIs::received || port.options.restricted_role) continue;
    if (port.port_priority.bridge.address == options_.address) continue;
    PriorityVector path = port.port_priority;
    path.root_path_cost = add_costs(path.root_path_cost, port.options.path_cost);
    const uint16_t best_port_id = root_port ? root_port->port_id : 0;
    if (std::tie(path, port.port_id) < std::tie(root_priority_, best_port_id)) {
      root_priority_ = path;
      root_port = &port;
    }
  }
  root_times_ = bridge_times();
  if (root_port) {
    root_times_ = root_port->port_times;
    root_times_.message_age = static_cast<uint8_t>(std::min(root_times_.message_age + 1, 255));
  }
  for (auto& [number, port] : ports_) {
    port.designated_priority = {root_priority_.root, root_priority_.root_path_cost, bridge_id(), port.port_id};
    port.designated_times = root_times_;
    port.designated_times.hello_time = options_.hello_time;
    port.selected_role = select_role(port, root_port);
  }
}

PortRole Rstp::select_role(RstpPort& port, const RstpPort* root_port) {
  port.updt_info = false;
  switch (port.info_is) {
    case InfoIs::disabled: return PortRole::disabled;
    case InfoIs::aged: port.updt_info = true; return PortRole::designated;
    case InfoIs::mine:
      port.updt_info = port.port_priority != port.designated_priority || port.port_times != port.designated_times;
      return PortRole::designated;
    case InfoIs::received: break;
  }
  if (&port == root_port) return PortRole::root;
  if (port.designated_priority < port.port_priority) {
    port.updt_info = true;
    return PortRole::designated;
  }
  return port.port_priority.bridge.address == options_.address ? PortRole::backup : PortRole::alternate;
}

bool Rstp::step_role_transitions(RstpPort& port) {
  if (!is_settled(port)) return false;
  if (port.role != port.selected_role) {
    take_role(port);
    return true;
  }
  switch (port.role) {
    case PortRole::root: return step_root(port);
    case PortRole::designated: return step_designated(port);
    case PortRole::disabled:
    case PortRole::alternate:
    case PortRole::backup: return step_blocked(port);
  }
  return false;
}

// ROOT_PORT, DESIGNATED_PORT, DISABLE_PORT and BLOCK_PORT.
void Rstp::take_role(RstpPort& port) {
  const PortRole before = port.role;
  port.role = port.selected_role;
  if (port.role == PortRole::root) {
    port.rr_while = port.designated_times.forward_delay;
  } else if (port.role != PortRole::designated) {
    port.learn = port.forward = false;
  }
  host_.on_role_changed(port.number, before, port.role);
}

// DISABLED_PORT, ALTERNATE_PORT and BACKUP_PORT (figures 17-20 and 17-23).
bool Rstp::step_blocked(RstpPort& port) {
  if (port.learning || port.forwarding) return false;
  const bool is_disabled = port.role == PortRole::disabled;
  const unsigned delay = is_disabled ? port.designated_times.max_age : port.designated_times.forward_delay;
  if (port.fd_while != delay || port.sync || port.re_root || !port.synced || port.rr_while != 0) {
    port.fd_while = delay;
    port.synced = true;
    port.rr_while = 0;
    port.sync = port.re_root = false;
    return true;
  }
  if (is_disabled) return false;
  const unsigned recently_backup = 2u * port.designated_times.hello_time;
  if (port.role == PortRole::backup && port.rb_while != recently_backup) {
    port.rb_while = recently_backup;
    return true;
  }
  return propose_and_agree(port);
}

// ROOT_PROPOSED, ROOT_AGREED and the same of an alternate port: the other end asks whether it may forward; it may when
// all that lies behind this bridge is in agreement.
bool Rstp::propose_and_agree(RstpPort& port) {
  if (port.proposed && !port.agree) {
    set_sync_tree();
    port.proposed = false;
    return true;
  }
  if ((port.agree || !all_synced()) && !(port.proposed && port.agree)) return false;
  port.proposed = port.sync = false;
  port.agree = true;
  port.new_info = true;
  return true;
}

// Figure 17-21.
bool Rstp::step_root(RstpPort& port) {
  const unsigned delay = port.designated_times.forward_delay;
  const bool rr_moved = port.rr_while != delay;
  port.rr_while = delay;
  if (propose_and_agree(port)) return true;
  if (!port.forward && !port.re_root) {  // REROOT
    set_re_root_tree();
    return true;
  }
  const bool may = port.fd_while == 0 || (re_rooted(port) && port.rb_while == 0 && rstp_version());
  if (may && !port.learn) {  // ROOT_LEARN
    port.fd_while = forward_delay(port);
    port.learn = true;
    return true;
  }
  if (may && !port.forward) {  // ROOT_FORWARD
    port.fd_while = 0;
    port.forward = true;
    return true;
  }
  if (port.re_root && port.forward) {  // REROOTED
    port.re_root = false;
    return true;
  }
  return rr_moved;
}

// Figure 17-22.
bool Rstp::step_designated(RstpPort& port) {
  if (!port.forward && !port.agreed && !port.proposing && !port.oper_edge) {  // DESIGNATED_PROPOSE
    port.proposing = true;
    port.edge_delay_while = port.options.point_to_point ? migrate_time : port.designated_times.max_age;  // EdgeDelay
    port.new_info = true;
    return true;
  }
  const bool is_quiet = !port.learning && !port.forwarding;
  if (((is_quiet || port.agreed || port.oper_edge) && !port.synced) || (port.sync && port.synced)) {
    port.rr_while = 0;  // DESIGNATED_SYNCED
    port.synced = true;
    port.sync = false;
    return true;
  }
  if (port.rr_while == 0 && port.re_root) {  // DESIGNATED_RETIRED
    port.re_root = false;
    return true;
  }
  const bool must_discard = ((port.sync && !port.synced) || (port.re_root && port.rr_while != 0) || port.disputed) &&
                            !port.oper_edge && (port.learn || port.forward);
  if (must_discard) {  // DESIGNATED_DISCARD
    port.learn = port.forward = port.disputed = false;
    port.fd_while = forward_delay(port);
    return true;
  }
  const bool may =
      (port.fd_while == 0 || port.agreed || port.oper_edge) && (port.rr_while == 0 || !port.re_root) && !port.sync;
  if (may && !port.learn) {  // DESIGNATED_LEARN
    port.learn = true;
    port.fd_while = forward_delay(port);
    return true;
  }
  if (may && !port.forward) {  // DESIGNATED_FORWARD
    port.forward = true;
    port.fd_while = 0;
    port.agreed = port.send_rstp;
    return true;
  }
  return false;
}

// allSynced (17.20.3)
bool Rstp::all_synced() const {
  return std::all_of(ports_.begin(), ports_.end(), [](const auto& entry) {
    const RstpPort& port = entry.second;
    return is_settled(port) && port.role == port.selected_role && (port.synced || port.role == PortRole::root);
  });
}

// reRooted (17.20.10)
bool Rstp::re_rooted(const RstpPort& port) const {
  return std::all_of(ports_.begin(), ports_.end(),
                     [&](const auto& entry) { return &entry.second == &port || entry.second.rr_while == 0; });
}

void Rstp::set_sync_tree() {
  for (auto& [number, port] : ports_) port.sync = true;
}

void Rstp::set_re_root_tree() {
  for (auto& [number, port] : ports_) port.re_root = true;
}

}  // namespace strata::network::protocols
