// What the bridge knows, what control protocols tell it, and its timers.
#include <algorithm>

#include "network/bridge/bridge.h"
#include "network/bridge/port.h"

namespace strata::network::bridge {

namespace {

constexpr Time sweep_interval = std::chrono::seconds(1);

}  // namespace

const PortConfig& Bridge::config(PortId port) const { return port_[port]->config; }
bool Bridge::is_up(PortId port) const { return port_[port]->up; }
PortState Bridge::state(PortId port) const { return port_[port]->state; }
const PortCounters& Bridge::counters(PortId port) const { return port_[port]->counters; }
const VlanCounters& Bridge::vlan_counters(Vid vid) const { return vlan_[vid]->counters; }
const VlanSet& Bridge::vlans(PortId port) const { return port_[port]->member; }
const VlanSet& Bridge::registered(PortId port) const { return port_[port]->registered; }

PortSet Bridge::members(Vid vid) const { return vlan_[vid] ? vlan_[vid]->members : PortSet{}; }

std::optional<PortId> Bridge::find_port(std::string_view name) const {
  std::optional<PortId> found;
  ports_.for_each([&](unsigned id) {
    if (port_[id]->config.name == name) found = static_cast<PortId>(id);
  });
  return found;
}

void Bridge::set_up(PortId id, bool up, Time now) {
  Port& port = *port_[id];
  if (port.up == up) return;
  port.up = up;
  update_forwarding(port);
  if (!up) {
    forget_waiting(port);
    flush(id);
  }
  tell(id, now);
}

void Bridge::forget_waiting(Port& port) {
  port.drop(Drop::flushed, port.queues.clear());
  ready_.remove(port.id);
  shaped_.remove(port.id);
}

void Bridge::set_state(PortId id, PortState state) {
  port_[id]->state = state;
  update_forwarding(*port_[id]);
}

void Bridge::flush(PortId id) {
  fdb_.erase_if([&](const Fdb::Entry& entry) { return entry.port == id && !entry.is_static; });
  port_[id]->learnt = 0;
}

void Bridge::flush(PortId id, Vid vid) {
  fdb_.erase_if([&](const Fdb::Entry& entry) {
    const bool gone = entry.port == id && !entry.is_static && Fdb::fid_of(entry.key) == fid_of(vid);
    if (gone) forget(entry);
    return gone;
  });
}

void Bridge::forget(const Fdb::Entry& entry) { --port_[entry.port]->learnt; }

std::vector<Station> Bridge::stations(Time now) const {
  std::vector<Station> stations;
  fdb_.for_each([&](const Fdb::Entry& entry) {
    if (expired(entry, milliseconds(now))) return;
    const auto age = entry.is_static ? Time{} : Time(std::chrono::milliseconds(milliseconds(now) - entry.seen));
    stations.push_back({Fdb::fid_of(entry.key), Fdb::address_of(entry.key), entry.port, entry.is_static, age});
  });
  std::sort(stations.begin(), stations.end(), [](const Station& a, const Station& b) {
    return std::pair(a.fid, a.address) < std::pair(b.fid, b.address);
  });
  return stations;
}

// Control protocols.

void Bridge::attach(Protocol& protocol, std::span<const MacAddress> addresses, Time now) {
  for (const auto address : addresses) attachments_.push_back({address, &protocol});
  protocols_.push_back(&protocol);
  ports_.for_each([&](unsigned id) { protocol.port_changed(static_cast<PortId>(id), now); });
}

void Bridge::detach(Protocol& protocol) {
  std::erase_if(attachments_, [&](const Attachment& attachment) { return attachment.protocol == &protocol; });
  std::erase(protocols_, &protocol);
}

void Bridge::tell(PortId port, Time now) {
  for (Protocol* const protocol : protocols_) protocol->port_changed(port, now);
}

void Bridge::set_registered(PortId id, Vid vid, bool registered) {
  Port& port = *port_[id];
  if (!is_vlan(vid) || port.registered.contains(vid) == registered) return;
  port.registered.set(vid, registered);
  update_membership(port);
}

void Bridge::set_snooping(Vid vid, bool on) {
  snooped_.set(vid, on);
  if (vlan_[vid]) vlan_[vid]->snooping = on;
}

void Bridge::set_router_ports(Vid vid, const PortSet& ports) {
  routers_[vid] = ports & ports_;
  if (routers_[vid].empty()) routers_.erase(vid);
  if (vlan_[vid]) vlan_[vid]->routers = ports & ports_;
}

void Bridge::set_group(Vid vid, MacAddress address, const PortSet& ports) {
  const auto key = Fdb::key_of(vid, address);
  auto& group = groups_[key];
  group.registered = ports & ports_;
  if (group.empty()) groups_.erase(key);
}

PortSet Bridge::group(Vid vid, MacAddress address) const {
  const auto group = groups_.find(Fdb::key_of(vid, address));
  return group == groups_.end() ? PortSet{} : group->second.configured | group->second.registered;
}

// Timers.

void Bridge::sweep(Time now) {
  last_sweep_ = now;
  const auto now_ms = milliseconds(now);
  fdb_.erase_if([&](const Fdb::Entry& entry) {
    const bool gone = expired(entry, now_ms);
    if (gone) forget(entry);
    return gone;
  });
}

void Bridge::poll(Time now) {
  if (now >= last_sweep_ + sweep_interval) sweep(now);
  shaped_.for_each([&](unsigned id) {
    if (!port_[id]->egress_bucket.ready(now)) return;
    shaped_.remove(id);
    ready_.add(id);
  });
  for (Protocol* const protocol : protocols_)
    if (protocol->next_deadline() <= now) protocol->poll(now);
}

Time Bridge::next_deadline() const {
  Time next = fdb_.size() != 0 ? last_sweep_ + sweep_interval : never;
  shaped_.for_each([&](unsigned id) { next = std::min(next, port_[id]->egress_bucket.ready_at()); });
  for (const Protocol* const protocol : protocols_) next = std::min(next, protocol->next_deadline());
  return next;
}

}  // namespace strata::network::bridge
