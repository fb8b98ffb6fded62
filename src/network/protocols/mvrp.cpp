// Ports and the propagation of VLANs between them.
#include "network/protocols/mvrp.h"

#include <algorithm>
#include <optional>

namespace strata::network::protocols {

/// A port with MVRP has a participant; one without has static members only.
class Mvrp::Port final : public MrpListener {
 public:
  Port(Mvrp& mvrp, uint32_t number) : mvrp_(mvrp), number_(number) {}

  void start(const MvrpPortOptions& options, uint64_t seed, Time now) {
    restricted_ = options.restricted;
    participant_.emplace(*this, mvrp_vid_attribute, last_vlan, options.mrp, seed, now);
    for (unsigned vlan = 1; vlan <= last_vlan; ++vlan) {
      if (fixed_[vlan]) participant_->set_registration(vlan, MrpRegistration::fixed);
      if (forbidden_[vlan]) participant_->set_registration(vlan, MrpRegistration::forbidden);
    }
  }
  void stop() {
    participant_.reset();
    for (unsigned vlan = 1; vlan <= last_vlan; ++vlan) review(vlan);
    declared_.reset();
  }

  void on_registered(uint16_t vlan, bool is_new) override {
    review(vlan);
    if (is_member(vlan)) mvrp_.on_registered(*this, vlan, is_new);
  }
  void on_deregistered(uint16_t vlan) override { review(vlan); }
  void on_transmit(Bytes pdu) override { mvrp_.host_.send_mvrpdu(number_, pdu); }

  void set_registration(uint16_t vlan, MrpRegistration registration) {
    fixed_[vlan] = registration == MrpRegistration::fixed;
    forbidden_[vlan] = registration == MrpRegistration::forbidden;
    if (participant_) participant_->set_registration(vlan, registration);
  }
  /// Makes the membership by registration what it has to be.
  void review(uint16_t vlan) {
    const bool wanted = participant_ && participant_->is_registered(vlan) && !fixed_[vlan] &&
                        (!restricted_ || mvrp_.is_static_somewhere(vlan));
    if (wanted == dynamic_[vlan]) return;
    dynamic_[vlan] = wanted;
    if (wanted) {
      mvrp_.host_.on_vlan_registered(number_, vlan);
    } else {
      mvrp_.host_.on_vlan_deregistered(number_, vlan);
    }
    mvrp_.propagate(vlan);
  }
  void declare(uint16_t vlan, bool is_new) {
    if (!participant_ || (declared_[vlan] && !is_new)) return;
    declared_.set(vlan);
    participant_->declare(vlan, is_new);
    if (is_new) mvrp_.host_.on_vlan_moved(number_, vlan);
  }
  void withdraw(uint16_t vlan) {
    if (!declared_[vlan]) return;
    declared_.reset(vlan);
    if (participant_) participant_->withdraw(vlan);
  }

  bool is_member(uint16_t vlan) const { return fixed_[vlan] || dynamic_[vlan]; }
  const Vlans& fixed() const { return fixed_; }
  const Vlans& dynamic() const { return dynamic_; }
  const Vlans& declared() const { return declared_; }
  bool is_empty() const { return !participant_ && fixed_.none() && forbidden_.none(); }
  uint32_t number() const { return number_; }
  std::optional<MrpParticipant>& participant() { return participant_; }
  const std::optional<MrpParticipant>& participant() const { return participant_; }

  bool forwarding = false;

 private:
  Mvrp& mvrp_;
  const uint32_t number_;
  bool restricted_ = false;
  std::optional<MrpParticipant> participant_;
  Vlans fixed_, forbidden_;  ///< by configuration
  Vlans dynamic_;            ///< registered by the other end and told to the host
  Vlans declared_;           ///< to the other end
};

Mvrp::Mvrp(MvrpHost& host, uint64_t seed) : host_(host), seed_(seed) {}
Mvrp::~Mvrp() = default;

Mvrp::Port& Mvrp::port_at(uint32_t port) {
  auto& entry = ports_[port];
  if (!entry) entry = std::make_unique<Port>(*this, port);
  return *entry;
}

void Mvrp::add_port(uint32_t port, const MvrpPortOptions& options, Time now) {
  Port& added = port_at(port);
  added.stop();
  added.start(options, ++seed_, now);
  propagate_all();
}

void Mvrp::remove_port(uint32_t port) {
  const auto found = ports_.find(port);
  if (found == ports_.end()) return;
  found->second->stop();
  if (found->second->is_empty()) ports_.erase(found);
  propagate_all();
}

void Mvrp::set_forwarding(uint32_t port, bool forwarding) {
  Port& changed = port_at(port);
  if (changed.forwarding == forwarding) return;
  changed.forwarding = forwarding;
  propagate_all();
}

void Mvrp::set_registration(uint32_t port, uint16_t vlan, MrpRegistration registration) {
  if (vlan == 0 || vlan > last_vlan) return;
  port_at(port).set_registration(vlan, registration);
  for (const auto& [number, other] : ports_) other->review(vlan);  // restricted ones look at it
  propagate(vlan);
}

void Mvrp::became_designated(uint32_t port) {
  auto& participant = port_at(port).participant();
  if (participant) participant->flush();
}

void Mvrp::left_designated(uint32_t port, Time now) {
  auto& participant = port_at(port).participant();
  if (participant) participant->redeclare(now);
}

void Mvrp::topology_changed(uint32_t port) {
  Port& changed = port_at(port);
  const Vlans declared = changed.declared();
  for (unsigned vlan = 1; vlan <= last_vlan; ++vlan) {
    if (declared[vlan]) changed.declare(vlan, true);
  }
}

void Mvrp::receive(uint32_t port, Bytes pdu, Time now) {
  const auto found = ports_.find(port);
  if (found != ports_.end() && found->second->participant()) found->second->participant()->receive(pdu, now);
}

void Mvrp::run(Time now) {
  // One port's turn may give work to another one's, due at once.
  while (deadline() <= now) {
    for (const auto& [number, port] : ports_) {
      if (port->participant() && port->participant()->deadline() <= now) port->participant()->run(now);
    }
  }
}

Time Mvrp::deadline() const {
  Time first = never;
  for (const auto& [number, port] : ports_) {
    if (port->participant()) first = std::min(first, port->participant()->deadline());
  }
  return first;
}

// MAP (10.3): a VLAN is declared at a port exactly if it is registered at another one, both forwarding.

void Mvrp::on_registered(Port& port, uint16_t vlan, bool is_new) {
  if (!is_new) return propagate(vlan);
  host_.on_vlan_moved(port.number(), vlan);  // 11.2.5
  if (!port.forwarding) return;
  for (const auto& [number, other] : ports_) {
    if (other.get() != &port && other->forwarding) other->declare(vlan, true);
  }
}

void Mvrp::propagate(uint16_t vlan) {
  unsigned members = 0;
  for (const auto& [number, port] : ports_) members += port->forwarding && port->is_member(vlan);
  for (const auto& [number, port] : ports_) {
    const unsigned others = members - (port->forwarding && port->is_member(vlan));
    if (port->forwarding && others > 0) {
      port->declare(vlan, false);
    } else {
      port->withdraw(vlan);
    }
  }
}

void Mvrp::propagate_all() {
  Vlans known;
  for (const auto& [number, port] : ports_) known |= port->fixed() | port->dynamic() | port->declared();
  for (unsigned vlan = 1; vlan <= last_vlan; ++vlan) {
    if (known[vlan]) propagate(vlan);
  }
}

bool Mvrp::is_static_somewhere(uint16_t vlan) const {
  return std::any_of(ports_.begin(), ports_.end(), [vlan](const auto& entry) { return entry.second->fixed()[vlan]; });
}

bool Mvrp::has_port(uint32_t port) const {
  const auto found = ports_.find(port);
  return found != ports_.end() && found->second->participant();
}

bool Mvrp::is_member(uint32_t port, uint16_t vlan) const {
  const auto found = ports_.find(port);
  return vlan <= last_vlan && found != ports_.end() && found->second->is_member(vlan);
}

namespace {
template <class Vlans>
std::set<uint16_t> as_set(const Vlans& vlans) {
  std::set<uint16_t> set;
  for (unsigned vlan = 1; vlan <= last_vlan; ++vlan) {
    if (vlans[vlan]) set.insert(set.end(), vlan);
  }
  return set;
}
}  // namespace

std::set<uint16_t> Mvrp::dynamic_vlans(uint32_t port) const {
  const auto found = ports_.find(port);
  return found == ports_.end() ? std::set<uint16_t>{} : as_set(found->second->dynamic());
}

std::set<uint16_t> Mvrp::declared_vlans(uint32_t port) const {
  const auto found = ports_.find(port);
  return found == ports_.end() ? std::set<uint16_t>{} : as_set(found->second->declared());
}

}  // namespace strata::network::protocols
