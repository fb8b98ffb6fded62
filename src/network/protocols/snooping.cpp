// Queriers, groups and their timers, one table a VLAN.
#include "network/protocols/snooping.h"

#include <algorithm>

namespace strata::network::protocols {
namespace {

using bridge::MacAddress;
using bridge::PortSet;

// Other Querier Present Interval and a second, for any robustness that is usual (RFC 3376, 8.5).
constexpr Time querier_interval = std::chrono::seconds(256);
constexpr Time settling_margin = std::chrono::seconds(1);

// What all hosts of a link hear anyway (RFC 4541, 2.1.2 and 3).
bool is_always_flooded(const GroupAddress& group) {
  if (is_ipv4_group(group)) return group[12] == 224 && group[13] == 0 && group[14] == 0;
  GroupAddress all_nodes{0xff, 0x02};
  all_nodes[15] = 1;
  return group == all_nodes;
}

bool is_group(const GroupAddress& group) { return is_ipv4_group(group) ? group[12] >> 4 == 14 : group[0] == 0xff; }

template <class Ports>
PortSet as_set(const Ports& ports) {
  PortSet set;
  for (const auto& [port, until] : ports) set.add(port);
  return set;
}

}  // namespace

void Snooping::add_vlan(uint16_t number) {
  const auto [entry, is_new] = vlans_.try_emplace(number);
  if (is_new) publish_routers(number, entry->second);
}

void Snooping::remove_vlan(uint16_t number) {
  const auto found = vlans_.find(number);
  if (found == vlans_.end()) return;
  forget_groups(number, found->second);
  vlans_.erase(found);
  host_.set_router_ports(number, {});
}

void Snooping::set_ports(const PortSet& ports) {
  ports_ = ports;
  const auto is_gone = [&](const auto& entry) { return !ports.contains(entry.first); };
  for (auto& [number, vlan] : vlans_) {
    std::erase_if(vlan.queriers, is_gone);
    if (vlan.queriers.empty()) vlan.filters = false, vlan.filters_from = never;
    publish_routers(number, vlan);
    for (auto entry = vlan.groups.begin(); entry != vlan.groups.end();) {
      const MacAddress address = entry->first.first;
      const bool changes = std::erase_if(entry->second, is_gone) > 0;
      const bool ends = entry->second.empty();
      entry = ends ? vlan.groups.erase(entry) : std::next(entry);
      groups_ -= ends;
      if (changes) publish_group(number, vlan, address);
    }
  }
}

void Snooping::topology_changed() {
  for (auto& [number, vlan] : vlans_) {
    vlan.queriers.clear();
    vlan.filters = false;
    vlan.filters_from = never;
    publish_routers(number, vlan);
  }
}

Snooping::Verdict Snooping::receive(uint32_t port, uint16_t number, Bytes frame, Time now) {
  const auto found = vlans_.find(number);
  const auto message = decode_group_message(frame);
  if (found == vlans_.end() || !message) return Verdict::forward;
  if (message->kind == GroupMessage::Kind::query) {
    receive_query(port, number, *message, now);
    return Verdict::forward;
  }
  receive_report(port, number, *message, now);
  return Verdict::to_routers;
}

void Snooping::receive_query(uint32_t port, uint16_t number, const GroupMessage& message, Time now) {
  Vlan& vlan = vlans_.at(number);
  if (message.names_querier) {
    const bool is_new = !vlan.queriers.contains(port);
    vlan.queriers[port] = now + querier_interval;
    wake_at(vlan.queriers[port]);
    if (!message.group) {
      vlan.membership_interval = message.robustness * message.query_interval + message.max_response_time;
      if (vlan.filters_from == never) {
        vlan.filters_from = now + message.max_response_time + settling_margin;
        wake_at(vlan.filters_from);
      }
    }
    if (is_new && vlan.filters) publish_routers(number, vlan);
  }
  if (!message.group) return;
  // Somebody left: who still listens will say so.
  const auto group = vlan.groups.find({mac_of_group(*message.group), *message.group});
  if (group == vlan.groups.end()) return;
  for (auto& [member, until] : group->second) {
    until = std::min(until, now + message.robustness * message.max_response_time);
    wake_at(until);
  }
}

void Snooping::receive_report(uint32_t port, uint16_t number, const GroupMessage& message, Time now) {
  Vlan& vlan = vlans_.at(number);
  for (const auto& [group, joins] : message.records) {
    if (!is_group(group) || is_always_flooded(group)) continue;
    const GroupKey key{mac_of_group(group), group};
    auto found = vlan.groups.find(key);
    if (joins) {
      if (found == vlan.groups.end()) {
        if (groups_ >= options_.max_groups) continue;
        ++groups_;
        found = vlan.groups.try_emplace(key).first;
      }
      const bool is_new = !found->second.contains(port);
      found->second[port] = now + vlan.membership_interval;
      wake_at(found->second[port]);
      if (is_new) publish_group(number, vlan, key.first);
    } else if (options_.fast_leave && found != vlan.groups.end() && found->second.erase(port) > 0) {
      if (found->second.empty()) vlan.groups.erase(found), --groups_;
      publish_group(number, vlan, key.first);
    }
  }
}

void Snooping::publish_routers(uint16_t number, const Vlan& vlan) {
  host_.set_router_ports(number, vlan.filters ? as_set(vlan.queriers) : ports_);
}

// All groups that share the address.
void Snooping::publish_group(uint16_t number, const Vlan& vlan, MacAddress address) {
  PortSet ports;
  for (auto entry = vlan.groups.lower_bound({address, {}}); entry != vlan.groups.end(); ++entry) {
    if (entry->first.first != address) break;
    ports |= as_set(entry->second);
  }
  host_.set_group_ports(number, address, ports);
}

void Snooping::forget_groups(uint16_t number, Vlan& vlan) {
  groups_ -= vlan.groups.size();
  for (const auto& [key, members] : vlan.groups) host_.set_group_ports(number, key.first, {});
  vlan.groups.clear();
}

void Snooping::run(Time now) {
  if (deadline_ > now) return;
  deadline_ = never;
  for (auto& [number, vlan] : vlans_) expire(number, vlan, now);
}

void Snooping::expire(uint16_t number, Vlan& vlan, Time now) {
  const auto is_over = [now](const auto& entry) { return entry.second <= now; };
  bool routers_change = std::erase_if(vlan.queriers, is_over) > 0;
  if (vlan.queriers.empty()) vlan.filters = false, vlan.filters_from = never;
  if (!vlan.filters && vlan.filters_from <= now) vlan.filters = routers_change = true;
  if (routers_change) publish_routers(number, vlan);

  std::set<MacAddress> changed;
  for (auto& [key, members] : vlan.groups) {
    if (std::erase_if(members, is_over) > 0) changed.insert(key.first);
    for (const auto& [port, until] : members) wake_at(until);
  }
  groups_ -= std::erase_if(vlan.groups, [](const auto& entry) { return entry.second.empty(); });
  for (const MacAddress address : changed) publish_group(number, vlan, address);

  for (const auto& [port, until] : vlan.queriers) wake_at(until);
  if (!vlan.filters) wake_at(vlan.filters_from);
}

PortSet Snooping::querier_ports(uint16_t number) const {
  const auto found = vlans_.find(number);
  return found == vlans_.end() ? PortSet{} : as_set(found->second.queriers);
}

std::map<GroupAddress, PortSet> Snooping::groups(uint16_t number) const {
  std::map<GroupAddress, PortSet> groups;
  const auto found = vlans_.find(number);
  if (found == vlans_.end()) return groups;
  for (const auto& [key, members] : found->second.groups) groups.emplace(key.second, as_set(members));
  return groups;
}

}  // namespace strata::network::protocols
