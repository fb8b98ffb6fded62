// The bridge's calls handed to the protocols, and theirs to the bridge.
#include "network/protocols/control_plane.h"

#include <algorithm>
#include <utility>

namespace strata::network::protocols {
namespace {

using bridge::MacAddress;
using bridge::PortId;
using bridge::VlanSet;

constexpr MacAddress bpdu_address(bridge_group_address);
constexpr MacAddress mvrp_address(0x0180'c200'0021);
constexpr uint16_t mvrp_ethertype = 0x88f5;
constexpr size_t smallest_frame = 60;

bool was_designated(PortRole role) { return role == PortRole::designated; }
bool leads_to_root(PortRole role) { return role == PortRole::root || role == PortRole::alternate; }

}  // namespace

ControlPlane::ControlPlane(bridge::Bridge& bridge, const ControlOptions& options, uint64_t seed, Time now)
    : bridge_(bridge), seed_(seed), now_(now), snooping_(*this, options.snooping) {
  configure(options, now);
}

ControlPlane::~ControlPlane() {
  bridge_.detach(*this);
  stop_mvrp();
  stop_rstp();
  options_.snooped = {};
  update_snooping();
}

void ControlPlane::configure(const ControlOptions& options, Time now) {
  now_ = now;
  const ControlOptions before = std::exchange(options_, options);
  bridge_.detach(*this);
  if (!options.rstp) stop_rstp();
  if (!options.mvrp || options.mrp != before.mrp) stop_mvrp();
  if (options.rstp) start_rstp(now);
  if (options.mvrp && !mvrp_) start_mvrp();
  update_snooping();
  std::vector<MacAddress> addresses;
  if (options.rstp) addresses.push_back(bpdu_address);
  if (options.mvrp) addresses.push_back(mvrp_address);
  if (options.rstp || options.mvrp || !options.snooped.empty())
    bridge_.attach(*this, addresses, now);  // which tells of all ports
}

void ControlPlane::configure_port(PortId port, const ControlPortOptions& options, Time now) {
  ports_[port].options = options;
  if (bridge_.has_port(port)) port_changed(port, now);
}

void ControlPlane::reset_port(PortId port) {
  if (rstp_) rstp_->reset_port(port);
}

void ControlPlane::start_rstp(Time now) {
  RstpOptions options = options_.spanning_tree;
  options.address = bridge_.config().address.value();
  if (rstp_) {
    rstp_->configure(options);
  } else {
    rstp_.emplace(static_cast<RstpHost&>(*this), options, now);
  }
}

void ControlPlane::stop_rstp() {
  if (!rstp_) return;
  rstp_.reset();
  bridge_.ports().for_each([&](unsigned port) {
    bridge_.set_state(static_cast<PortId>(port), PortState::forwarding);
    if (mvrp_) mvrp_->set_forwarding(port, bridge_.is_up(static_cast<PortId>(port)));
  });
}

void ControlPlane::update_snooping() {
  snooping_.configure(options_.snooping);
  bridge_.set_snooper(options_.snooped.empty() ? nullptr : this);
  for (bridge::Vid vlan = 1; bridge::is_vlan(vlan); ++vlan) {
    const bool on = options_.snooped.contains(vlan);
    if (on == snooping_.has_vlan(vlan)) continue;
    bridge_.set_snooping(vlan, on);
    if (on) {
      snooping_.add_vlan(vlan);
    } else {
      snooping_.remove_vlan(vlan);
    }
  }
}

void ControlPlane::start_mvrp() { mvrp_.emplace(static_cast<MvrpHost&>(*this), seed_); }

void ControlPlane::stop_mvrp() {
  if (!mvrp_) return;
  for (auto& [number, port] : ports_) {
    mvrp_->remove_port(number);
    port.fixed = port.forbidden = {};
    port.speaks_mvrp = false;
  }
  mvrp_.reset();
}

void ControlPlane::receive(PortId port, std::span<const std::byte> frame, Time now) {
  now_ = now;
  const auto to = MacAddress::load(frame.data());
  if (to == bpdu_address && rstp_) return rstp_->receive(port, frame);
  const bool is_mvrp = load_be<uint16_t>(frame.data() + 2 * MacAddress::size) == mvrp_ethertype;
  if (to == mvrp_address && mvrp_ && is_mvrp) mvrp_->receive(port, frame.subspan(bridge::ethernet_header_size), now);
}

void ControlPlane::port_changed(PortId port, Time now) {
  now_ = now;
  if (!options_.snooped.empty()) {
    bridge::PortSet up;
    bridge_.ports().for_each([&](unsigned id) { up.set(id, bridge_.is_up(static_cast<PortId>(id))); });
    snooping_.set_ports(up);
  }
  if (!bridge_.has_port(port)) return forget(port);
  if (rstp_) update_rstp(port);
  if (mvrp_) update_mvrp(port, now);
}

void ControlPlane::forget(PortId port) {
  if (rstp_) rstp_->remove_port(port);
  const auto found = ports_.find(port);
  if (mvrp_ && found != ports_.end()) {
    mvrp_->set_forwarding(port, false);
    for (const VlanSet& vlans : {found->second.fixed, found->second.forbidden}) {
      vlans.for_each(
          [&](unsigned vlan) { mvrp_->set_registration(port, static_cast<uint16_t>(vlan), MrpRegistration::normal); });
    }
    mvrp_->remove_port(port);
  }
  if (found != ports_.end()) ports_.erase(found);
}

void ControlPlane::update_rstp(PortId number) {
  const Port& port = ports_[number];
  if (!rstp_->ports().contains(number)) rstp_->add_port(number, port.options.rstp);
  rstp_->configure_port(number, port.options.rstp);
  rstp_->set_up(number, bridge_.is_up(number));
}

void ControlPlane::update_mvrp(PortId number, Time now) {
  Port& port = ports_[number];
  const auto& config = bridge_.config(number);
  // What is no longer fixed or forbidden first, as a VLAN may go from one to the other.
  const VlanSet fixed = config.members(), forbidden = config.forbidden - fixed;
  const auto tell = [&](const VlanSet& vlans, MrpRegistration registration) {
    vlans.for_each([&](unsigned vlan) { mvrp_->set_registration(number, static_cast<uint16_t>(vlan), registration); });
  };
  tell((port.fixed | port.forbidden) - (fixed | forbidden), MrpRegistration::normal);
  tell(forbidden - port.forbidden, MrpRegistration::forbidden);
  tell(fixed - port.fixed, MrpRegistration::fixed);
  port.fixed = fixed;
  port.forbidden = forbidden;

  const bool speaks = port.options.mvrp && bridge_.is_up(number);
  if (speaks && !port.speaks_mvrp) mvrp_->add_port(number, {options_.mrp, port.options.mvrp_restricted}, now);
  if (!speaks && port.speaks_mvrp) mvrp_->remove_port(number);
  port.speaks_mvrp = speaks;
  mvrp_->set_forwarding(number, bridge_.is_up(number) && bridge_.state(number) == PortState::forwarding);
}

void ControlPlane::poll(Time now) {
  now_ = now;
  if (rstp_) rstp_->run(now);
  if (mvrp_) mvrp_->run(now);
  snooping_.run(now);
}

Time ControlPlane::next_deadline() const {
  return std::min({rstp_ ? rstp_->deadline() : never, mvrp_ ? mvrp_->deadline() : never, snooping_.deadline()});
}

ControlPlane::Verdict ControlPlane::snoop(PortId port, bridge::Vid vid, std::span<const std::byte> frame, Time now) {
  const auto verdict = snooping_.receive(port, vid, frame, now);
  return verdict == Snooping::Verdict::to_routers ? Verdict::to_routers : Verdict::forward;
}

void ControlPlane::set_router_ports(uint16_t vlan, const bridge::PortSet& ports) {
  bridge_.set_router_ports(vlan, ports);
}

void ControlPlane::set_group_ports(uint16_t vlan, MacAddress group, const bridge::PortSet& ports) {
  bridge_.set_group(vlan, group, ports);
}

void ControlPlane::set_port_state(uint32_t port, PortState state) {
  const auto id = static_cast<PortId>(port);
  if (!bridge_.has_port(id)) return;
  bridge_.set_state(id, state);
  if (mvrp_) mvrp_->set_forwarding(port, bridge_.is_up(id) && state == PortState::forwarding);
}

void ControlPlane::flush(uint32_t port) {
  if (bridge_.has_port(static_cast<PortId>(port))) bridge_.flush(static_cast<PortId>(port));
  snooping_.topology_changed();
}

// 10.7.5.2 and 10.7.5.3 of 802.1Q.
void ControlPlane::on_role_changed(uint32_t port, PortRole from, PortRole to) {
  if (!mvrp_) return;
  if (leads_to_root(from) && was_designated(to)) mvrp_->became_designated(port);
  if (was_designated(from) && leads_to_root(to)) mvrp_->left_designated(port, now_);
}

void ControlPlane::on_topology_change(uint32_t port) {
  if (mvrp_) mvrp_->topology_changed(port);
}

void ControlPlane::on_vlan_moved(uint32_t port, uint16_t vlan) {
  if (bridge_.has_port(static_cast<PortId>(port))) bridge_.flush(static_cast<PortId>(port), vlan);
}

void ControlPlane::set_registered(uint32_t port, uint16_t vlan, bool registered) {
  if (bridge_.has_port(static_cast<PortId>(port))) bridge_.set_registered(static_cast<PortId>(port), vlan, registered);
}

void ControlPlane::send_mvrpdu(uint32_t port, Bytes pdu) {
  WireWriter frame;
  std::byte addresses[2 * MacAddress::size];
  mvrp_address.store(addresses);
  bridge_.config().address.store(addresses + MacAddress::size);
  frame.put_bytes(addresses);
  frame.put<uint16_t>(mvrp_ethertype);
  frame.put_bytes(pdu);
  frame.pad_to(smallest_frame);
  send(port, frame.finish());
}

void ControlPlane::send(uint32_t port, Bytes octets) {
  if (!bridge_.has_port(static_cast<PortId>(port))) return;
  if (bridge::Frame frame = bridge_.pool().copy(octets)) bridge_.send(static_cast<PortId>(port), std::move(frame));
}

}  // namespace strata::network::protocols
