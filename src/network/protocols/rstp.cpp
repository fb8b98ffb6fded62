// The protocol's front: ports, configuration, time; the machines are in rstp_*.cpp.
#include "network/protocols/rstp.h"

#include <algorithm>

namespace strata::network::protocols {
namespace {

constexpr Time second = std::chrono::seconds(1);
// After a longer pause of the whole process, what was told meanwhile is still to be read: time is not held against it.
constexpr unsigned most_ticks_at_once = 2;

uint16_t port_id(uint32_t number, const RstpPortOptions& options) {
  return static_cast<uint16_t>((options.priority & 0xf0) << 8 | ((number + 1) & 0xfff));
}

}  // namespace

Rstp::Rstp(RstpHost& host, const RstpOptions& options, Time now)
    : host_(host), options_(options), next_tick_(now + second) {
  update_roles();
}

void Rstp::configure(const RstpOptions& options) {
  if (options == options_) return;
  const bool changes_version = options.stp_only != options_.stp_only;
  options_ = options;
  for (auto& [number, port] : ports_) {
    if (changes_version) begin(port);
  }
  reselect_all();
  settle();
}

void Rstp::add_port(uint32_t number, const RstpPortOptions& options) {
  RstpPort& port = ports_[number];
  port = {};
  port.number = number;
  port.options = options;
  begin(port);
  settle();
}

// The machines' BEGIN (17.22 and on).
void Rstp::begin(RstpPort& port) {
  const RstpPort before = port;
  port = {};
  port.number = before.number;
  port.options = before.options;
  port.is_up = before.is_up;
  port.guard_tripped = before.guard_tripped;
  port.port_id = port_id(port.number, port.options);
  port.designated_times = port.port_times = bridge_times();
  port.edge_delay_while = port.mdelay_while = 3;
  port.send_rstp = rstp_version();
  port.oper_edge = port.options.admin_edge;
  port.new_info = true;
  port.sync = port.re_root = true;
  port.rr_while = options_.forward_delay;
  port.fd_while = options_.max_age;
  port.learning = port.forwarding = false;
  if (before.role != PortRole::disabled) host_.on_role_changed(port.number, before.role, PortRole::disabled);
  host_.set_port_state(port.number, PortState::discarding);
  host_.flush(port.number);
  enable(port);
  reselect(port);
}

void Rstp::enable(RstpPort& port) { port.port_enabled = port.is_up && !port.guard_tripped; }

void Rstp::reselect(RstpPort& port) {
  port.reselect = true;
  port.selected = false;
}

void Rstp::reselect_all() {
  for (auto& [number, port] : ports_) reselect(port);
  if (ports_.empty()) update_roles();
}

void Rstp::remove_port(uint32_t number) {
  const auto found = ports_.find(number);
  if (found == ports_.end()) return;
  ports_.erase(found);
  reselect_all();
  settle();
}

void Rstp::configure_port(uint32_t number, const RstpPortOptions& options) {
  const auto found = ports_.find(number);
  if (found == ports_.end() || found->second.options == options) return;
  RstpPort& port = found->second;
  if (port.options.admin_edge != options.admin_edge) port.oper_edge = options.admin_edge;
  port.options = options;
  port.port_id = port_id(number, options);
  reselect(port);
  settle();
}

void Rstp::set_up(uint32_t number, bool up) {
  const auto found = ports_.find(number);
  if (found == ports_.end() || found->second.is_up == up) return;
  found->second.is_up = up;
  enable(found->second);
  settle();
}

void Rstp::reset_port(uint32_t number) {
  const auto found = ports_.find(number);
  if (found == ports_.end()) return;
  RstpPort& port = found->second;
  port.guard_tripped = false;
  port.mcheck = rstp_version();
  enable(port);
  settle();
}

void Rstp::receive(uint32_t number, Bytes frame) {
  const auto found = ports_.find(number);
  if (found == ports_.end() || !found->second.port_enabled) return;
  RstpPort& port = found->second;
  const auto bpdu = decode_bpdu_frame(frame);
  if (!bpdu) return;
  ++port.bpdus_received;
  if (port.options.bpdu_guard) {
    port.guard_tripped = true;
    enable(port);
    return settle();
  }
  const bool is_own = bpdu->type != BpduType::topology_change_notification && bpdu->priority.bridge == bridge_id() &&
                      bpdu->priority.port == port.port_id;
  if (is_own) return;  // it came back (9.3.4)
  if (bpdu->priority.root.address == options_.address && bpdu->priority.root < bridge_id()) return;
  port.message = *bpdu;
  port.rcvd_bpdu = true;
  settle();
}

void Rstp::run(Time now) {
  for (unsigned ticks = 0; next_tick_ <= now && ticks < most_ticks_at_once; ++ticks) {
    next_tick_ += second;
    tick();
  }
  if (next_tick_ <= now) next_tick_ = now + second;
}

// Port Timers (17.22).
void Rstp::tick() {
  for (auto& [number, port] : ports_) {
    for (unsigned* timer : {&port.hello_when, &port.tc_while, &port.fd_while, &port.rcvd_info_while, &port.rr_while,
                            &port.rb_while, &port.mdelay_while, &port.edge_delay_while, &port.tx_count}) {
      if (*timer > 0) --*timer;
    }
  }
  settle();
}

// Lets all machines take transitions until none has one to take.
void Rstp::settle() {
  for (bool moved = true; moved;) {
    moved = step_role_selection();
    for (auto& [number, port] : ports_) moved |= step(port);
  }
}

bool Rstp::step(RstpPort& port) {
  bool moved = step_receive(port);
  moved |= step_migration(port);
  moved |= step_bridge_detection(port);
  moved |= step_information(port);
  moved |= step_role_transitions(port);
  moved |= step_state(port);
  moved |= step_topology(port);
  moved |= step_transmit(port);
  return moved;
}

PortState Rstp::state_of(const RstpPort& port) {
  if (port.forwarding) return PortState::forwarding;
  return port.learning ? PortState::learning : PortState::discarding;
}

}  // namespace strata::network::protocols
