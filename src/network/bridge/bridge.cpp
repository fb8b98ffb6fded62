// The bridge's configuration: ports, their VLANs and static addresses, mirrors.
#include "network/bridge/bridge.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "network/bridge/port.h"

namespace strata::network::bridge {

namespace {

TokenBucket bucket(const RateLimit& limit) { return {limit.bits_per_second, std::uint64_t{limit.burst_bytes} * 8}; }
TokenBucket bucket(const StormLimit& limit) {
  return {limit.frames_per_second, limit.burst_frames != 0 ? limit.burst_frames : limit.frames_per_second};
}

// Each VLAN's filtering identifier: its own number, or the lowest of the set that it learns with.
std::array<Vid, 4096> fids_of(const BridgeConfig& config) {
  std::array<Vid, 4096> fids;
  std::iota(fids.begin(), fids.end(), Vid{0});
  for (const auto& set : config.shared_learning)
    set.for_each([&](unsigned vid) { fids[vid] = static_cast<Vid>(set.first()); });
  return fids;
}

}  // namespace

Bridge::Bridge(FramePool& pool, const BridgeConfig& config)
    : pool_(pool), config_(config), fids_(fids_of(config)), fdb_(config.max_addresses, config.hash_seed) {
  ageing_ms_ = milliseconds(config.ageing);
}

Bridge::~Bridge() = default;

Result<std::unique_ptr<Bridge>> Bridge::make(FramePool& pool, const BridgeConfig& config) {
  STRATA_TRY(validate(config));
  return std::unique_ptr<Bridge>(new Bridge(pool, config));
}

// Ports.

Result<void> Bridge::check_against_others(PortId port, const PortConfig& config) const {
  Result<void> result;
  ports_.for_each([&](unsigned id) {
    if (id == port || !result) return;
    const PortConfig& other = port_[id]->config;
    if (other.name == config.name) result = fail(ErrorCode::already_exists, "port {} is there already", config.name);
    for (const auto& entry : config.static_entries)
      for (const auto& taken : other.static_entries)
        if (!entry.address.is_group() && entry.address == taken.address && fid_of(entry.vid) == fid_of(taken.vid))
          result = fail(ErrorCode::already_exists, "port {}: static address {} in VLAN {} is at port {} already",
                        config.name, to_string(entry.address), entry.vid, other.name);
  });
  return result;
}

Result<PortId> Bridge::add_port(const PortConfig& config, Time now) {
  STRATA_TRY(validate(config));
  STRATA_TRY(check_against_others(no_port, config));
  PortId id = 0;
  while (id < max_ports && ports_.contains(id)) ++id;
  if (id == max_ports) return fail("port {}: a switch has at most {} ports", config.name, max_ports);
  port_[id] = std::make_unique<Port>();
  port_[id]->id = id;
  port_[id]->config = config;
  ports_.add(id);
  apply(*port_[id]);
  tell(id, now);
  return id;
}

Result<void> Bridge::reconfigure(PortId id, const PortConfig& config, Time now) {
  STRATA_TRY(validate(config));
  STRATA_TRY(check_against_others(id, config));
  Port& port = *port_[id];
  remove_static_entries(port);
  port.config = config;
  apply(port);
  tell(id, now);
  return {};
}

void Bridge::remove_port(PortId id, Time now) {
  Port& port = *port_[id];
  set_up(id, false, now);
  remove_static_entries(port);
  port.config.tagged.clear();
  port.config.untagged.clear();
  port.registered.clear();
  update_membership(port);
  for (auto& [key, group] : groups_) group.registered.remove(id);
  std::erase_if(groups_, [](const auto& entry) { return entry.second.empty(); });
  for (auto& [vid, routers] : routers_) routers.remove(id);
  vlans_in_use_.for_each([&](unsigned vid) { vlan_[vid]->routers.remove(id); });
  std::erase_if(mirrors_, [&](const Mirror& session) { return session.destination == id; });
  for (auto& session : mirrors_) session.ingress.remove(id), session.egress.remove(id);
  isolated_.remove(id);
  ports_.remove(id);
  port_[id].reset();
  apply_mirrors();
  tell(id, now);
}

void Bridge::apply(Port& port) {
  const PortConfig& config = port.config;
  port.queues.configure(config.queues);
  port.ingress_bucket = bucket(config.ingress_rate);
  port.egress_bucket = bucket(config.egress_rate);
  port.broadcast_bucket = bucket(config.storm.broadcast);
  port.multicast_bucket = bucket(config.storm.multicast);
  port.unknown_bucket = bucket(config.storm.unknown_unicast);
  isolated_.set(port.id, config.isolated);
  if (shaped_.contains(port.id)) {
    shaped_.remove(port.id);
    ready_.add(port.id);
  }
  update_membership(port);
  install_static_entries(port);
}

Vlan& Bridge::use_vlan(Vid vid) {
  if (!vlan_[vid]) {
    vlan_[vid] = std::make_unique<Vlan>();
    vlan_[vid]->vid = vid;
    vlan_[vid]->snooping = snooped_.contains(vid);
    if (const auto routers = routers_.find(vid); routers != routers_.end()) vlan_[vid]->routers = routers->second;
    vlans_in_use_.add(vid);
  }
  return *vlan_[vid];
}

void Bridge::update_membership(Port& port) {
  const VlanSet before = port.member;
  port.member = port.config.members() | (port.registered - port.config.forbidden);
  const VlanSet lost = before - port.member;
  (port.member - before).for_each([&](unsigned vid) { use_vlan(static_cast<Vid>(vid)).members.add(port.id); });
  if (!lost.empty()) {
    VlanSet kept_fids;
    port.member.for_each([&](unsigned vid) { kept_fids.add(fids_[vid]); });
    fdb_.erase_if([&](const Fdb::Entry& entry) {
      const bool gone = entry.port == port.id && !entry.is_static && !kept_fids.contains(Fdb::fid_of(entry.key));
      if (gone) forget(entry);
      return gone;
    });
    lost.for_each([&](unsigned vid) {
      vlan_[vid]->members.remove(port.id);
      vlan_[vid]->forwarding.remove(port.id);
      if (!vlan_[vid]->members.empty()) return;
      vlan_[vid].reset();
      vlans_in_use_.remove(vid);
    });
  }
  update_forwarding(port);
}

void Bridge::update_forwarding(Port& port) {
  const bool forwards = port.forwards();
  port.member.for_each([&](unsigned vid) { vlan_[vid]->forwarding.set(port.id, forwards); });
}

void Bridge::install_static_entries(Port& port) {
  for (const auto& [vid, address] : port.config.static_entries) {
    if (address.is_group()) {
      groups_[Fdb::key_of(vid, address)].configured.add(port.id);
      continue;
    }
    const auto key = Fdb::key_of(fid_of(vid), address);
    Fdb::Entry* entry = fdb_.find(key);
    if (entry == nullptr) entry = fdb_.insert(key, true);
    else if (!entry->is_static) forget(*entry);
    entry->port = port.id;
    entry->is_static = true;
  }
}

void Bridge::remove_static_entries(Port& port) {
  if (port.config.static_entries.empty()) return;
  fdb_.erase_if([&](const Fdb::Entry& entry) { return entry.is_static && entry.port == port.id; });
  for (const auto& [vid, address] : port.config.static_entries) {
    const auto group = groups_.find(Fdb::key_of(vid, address));
    if (group == groups_.end()) continue;
    group->second.configured.remove(port.id);
    if (group->second.empty()) groups_.erase(group);
  }
}

// The bridge.

Result<void> Bridge::reconfigure(const BridgeConfig& config, Time now) {
  STRATA_TRY(validate(config));
  const auto fids = fids_of(config);
  std::map<std::uint64_t, std::string_view> places;
  for (PortId id = 0; id < max_ports; ++id)
    if (ports_.contains(id))
      for (const auto& [vid, address] : port_[id]->config.static_entries)
        if (const auto [place, is_new] = places.try_emplace(Fdb::key_of(fids[vid], address), port_[id]->config.name);
            !is_new && !address.is_group())
          return fail(ErrorCode::usage, "static address {} is at ports {} and {}, in VLANs that would learn together",
                      to_string(address), place->second, port_[id]->config.name);
  const bool relearn = fids != fids_;
  config_ = config;
  ageing_ms_ = milliseconds(config.ageing);
  fdb_.set_max_entries(config.max_addresses);
  sweep(now);  // by the new ageing time
  if (!relearn) return {};
  fids_ = fids;
  fdb_.erase_if([](const Fdb::Entry&) { return true; });
  ports_.for_each([&](unsigned id) {
    port_[id]->learnt = 0;
    install_static_entries(*port_[id]);
  });
  return {};
}

Result<void> Bridge::set_mirrors(const std::vector<Mirror>& mirrors) {
  PortSet destinations;
  for (const auto& session : mirrors) {
    if (!has_port(session.destination))
      return fail(ErrorCode::not_found, "mirror {}: no port to copy to", session.name);
    const auto sources = session.ingress | session.egress;
    if (!(sources - ports_).empty())
      return fail(ErrorCode::not_found, "mirror {}: a port that is not there", session.name);
    destinations.add(session.destination);
  }
  for (const auto& session : mirrors)
    if (const auto both = (session.ingress | session.egress) & destinations; !both.empty())
      return fail(ErrorCode::usage, "mirror {}: port {} is where copies go to; it cannot be copied from", session.name,
                  port_[both.first()]->config.name);
  mirrors_ = mirrors;
  apply_mirrors();
  return {};
}

void Bridge::apply_mirrors() {
  PortSet destinations, ingress, egress;
  for (const auto& session : mirrors_) {
    destinations.add(session.destination);
    ingress |= session.ingress;
    egress |= session.egress;
  }
  ports_.for_each([&](unsigned id) {
    Port& port = *port_[id];
    if (port.is_mirror != destinations.contains(id)) forget_waiting(port);  // no copy leaves by a port that is none now
    port.is_mirror = destinations.contains(id);
    port.mirror_ingress = ingress.contains(id);
    port.mirror_egress = egress.contains(id);
    if (port.is_mirror) flush(port.id);
    update_forwarding(port);
  });
}

}  // namespace strata::network::bridge
