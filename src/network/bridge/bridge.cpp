// The bridge's configuration, what it knows, and its timers.
#include "network/bridge/bridge.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "network/bridge/port.h"

namespace strata::network::bridge {

namespace {

constexpr Time sweep_interval = std::chrono::seconds(1);

std::uint32_t milliseconds(Time time) { return static_cast<std::uint32_t>(time.count() / 1'000'000); }

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

// State.

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
