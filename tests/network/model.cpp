// The model of a bridge: clause by clause, and slow.
#include "tests/network/model.h"

#include <algorithm>

namespace strata::network::model {

namespace {

using bridge::FrameTypes;

unsigned octet(const Octets& frame, std::size_t at) { return std::to_integer<unsigned>(frame[at]); }
unsigned pair_at(const Octets& frame, std::size_t at) { return octet(frame, at) << 8 | octet(frame, at + 1); }

MacAddress address_at(const Octets& frame, std::size_t at) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 6; ++i) value = value * 256 + octet(frame, at + i);
  return MacAddress(value);
}

bool is_group(MacAddress address) { return address.value() / 0x100'0000'0000 % 2 == 1; }

// IP groups that nobody may get unasked: all but 224.0.0.x and ff02::1.
bool needs_registration(MacAddress group) {
  const auto value = group.value();
  if (value >= 0x01005e'000000 && value <= 0x01005e'0000ff) return false;
  if (value >= 0x01005e'800000 && value <= 0x01005e'8000ff) return false;
  if (value >= 0x01005e'000000 && value <= 0x01005e'ffffff) return true;
  return value >= 0x3333'0000'0000 && value <= 0x3333'ffff'ffff && value != 0x3333'0000'0001;
}

// Without header, and without up to two tags.
std::size_t payload_of(const Octets& untagged) {
  std::size_t at = 14;
  for (int tags = 0; tags < 2; ++tags)
    if (untagged.size() >= at + 4 && (pair_at(untagged, at - 2) == 0x8100 || pair_at(untagged, at - 2) == 0x88a8))
      at += 4;
    else break;
  return untagged.size() - at;
}

}  // namespace

void Model::configure(const bridge::BridgeConfig& config) {
  std::map<Vid, Vid> before;
  for (Vid vid = 1; vid < 4095; ++vid) before[vid] = fid(vid);
  config_ = config;
  if (std::all_of(before.begin(), before.end(), [&](const auto& pair) { return fid(pair.first) == pair.second; }))
    return;
  stations_.clear();
  for (const auto& [id, port] : ports_) install_static(id);
}

Vid Model::fid(Vid vid) const {
  for (const auto& set : config_.shared_learning)
    if (set.contains(vid))
      for (Vid first = 1;; ++first)
        if (set.contains(first)) return first;
  return vid;
}

bool Model::is_member(PortId id, Vid vid) const {
  const Port& port = ports_.at(id);
  if (port.config.tagged.contains(vid) || port.config.untagged.contains(vid)) return true;
  return port.registered.contains(vid) && !port.config.forbidden.contains(vid);
}

bool Model::vlan_exists(Vid vid) const {
  return std::any_of(ports_.begin(), ports_.end(), [&](const auto& port) { return is_member(port.first, vid); });
}

void Model::forget_lost_stations(PortId id) {
  std::erase_if(stations_, [&](const auto& entry) {
    const auto& [key, station] = entry;
    if (station.port != id || station.is_static) return false;
    for (Vid vid = 1; vid < 4095; ++vid)
      if (fid(vid) == key.first && is_member(id, vid)) return false;
    return true;
  });
}

void Model::install_static(PortId id) {
  for (const auto& entry : ports_.at(id).config.static_entries)
    if (!is_group(entry.address)) stations_[{fid(entry.vid), entry.address}] = {id, {}, true};
}

void Model::set_port(PortId id, const PortConfig& config) {
  std::set<Vid> before;
  for (Vid vid = 1; vid < 4095; ++vid)
    if (ports_.contains(id) && is_member(id, vid)) before.insert(vid);
  std::erase_if(stations_, [&](const auto& entry) { return entry.second.port == id && entry.second.is_static; });
  ports_[id].config = config;
  const bool lost = std::any_of(before.begin(), before.end(), [&](Vid vid) { return !is_member(id, vid); });
  if (lost) forget_lost_stations(id);
  install_static(id);
}

void Model::remove_port(PortId id) {
  ports_.erase(id);
  std::erase_if(stations_, [&](const auto& entry) { return entry.second.port == id; });
  for (auto& [key, ports] : groups_) ports.erase(id);
  for (auto& [vid, ports] : routers_) ports.erase(id);
}

void Model::set_up(PortId id, bool up) {
  ports_.at(id).up = up;
  if (up) return;
  ports_.at(id).queue.clear();
  flush(id);
}

void Model::set_registered(PortId id, Vid vid, bool registered) {
  const bool before = is_member(id, vid);
  registered ? (void)ports_.at(id).registered.insert(vid) : (void)ports_.at(id).registered.erase(vid);
  if (before && !is_member(id, vid)) forget_lost_stations(id);
}

void Model::flush(PortId id) {
  std::erase_if(stations_, [&](const auto& entry) { return entry.second.port == id && !entry.second.is_static; });
}

void Model::set_routers(Vid vid, const std::set<PortId>& ports) { routers_[vid] = ports; }

// 6.9: the VLAN and the priority, if it may come in at all.
std::optional<Model::Classified> Model::classify(const Port& port, PortId id, const Octets& frame) const {
  const PortConfig& config = port.config;
  Classified result{0, config.default_priority, false, false};
  if (pair_at(frame, 12) == static_cast<unsigned>(config.tag_type)) {
    if (frame.size() < 18) return std::nullopt;
    result = {static_cast<Vid>(pair_at(frame, 14) % 4096), config.regeneration[octet(frame, 14) / 32],
              octet(frame, 14) / 16 % 2 == 1, true};
  }
  if (result.vid == 4095) return std::nullopt;
  const bool untagged = result.vid == 0;
  if (untagged && config.accept == FrameTypes::tagged) return std::nullopt;
  if (!untagged && config.accept == FrameTypes::untagged) return std::nullopt;
  if (untagged) result.vid = config.pvid;
  if (result.vid == 0) return std::nullopt;
  if (config.ingress_filtering && !is_member(id, result.vid)) return std::nullopt;
  return result;
}

bool Model::permitted(const std::vector<bridge::AclRule>& rules, Vid vid, MacAddress to, MacAddress from) const {
  for (const auto& rule : rules) {
    if (rule.vlans && (vid < rule.vlans->first || vid > rule.vlans->last)) continue;
    if (rule.source && rule.source->address != from) continue;
    if (rule.destination && rule.destination->address != to) continue;
    return rule.action == bridge::AclRule::Action::permit;
  }
  return true;
}

// 8.7. False: the port's limit says that the frame is to be dropped.
bool Model::learn(const Port& port, PortId id, Vid vid, MacAddress from, Time now) {
  if (port.state == PortState::discarding || !port.config.learning || !vlan_exists(vid)) return true;
  std::erase_if(stations_, [&](const auto& entry) {
    return !entry.second.is_static && now - entry.second.heard >= config_.ageing;
  });
  const auto known = stations_.find({fid(vid), from});
  if (known != stations_.end() && known->second.is_static) return true;
  if (known == stations_.end() || known->second.port != id) {
    const auto here = std::count_if(stations_.begin(), stations_.end(), [&](const auto& entry) {
      return entry.second.port == id && !entry.second.is_static;
    });
    if (port.config.learning_limit != 0 && here >= port.config.learning_limit) return !port.config.drop_beyond_limit;
    if (known == stations_.end() && stations_.size() >= config_.max_addresses) return true;
  }
  stations_[{fid(vid), from}] = {id, now, false};
  return true;
}

const Model::Station* Model::find(Vid vid, MacAddress address, Time now) const {
  const auto known = stations_.find({fid(vid), address});
  if (known == stations_.end()) return nullptr;
  const bool old = !known->second.is_static && now - known->second.heard >= config_.ageing;
  return old ? nullptr : &known->second;
}

std::set<PortId> Model::group_members(Vid vid, MacAddress group, const std::set<PortId>& all) const {
  std::set<PortId> members;
  for (const auto& [id, port] : ports_)
    for (const auto& entry : port.config.static_entries)
      if (entry.vid == vid && entry.address == group) members.insert(id);
  const auto registered = groups_.find({vid, group});
  if (registered != groups_.end()) members.insert(registered->second.begin(), registered->second.end());
  if (members.empty() && !(snooped_.contains(vid) && needs_registration(group))) return all;
  const auto routers = routers_.find(vid);
  if (routers != routers_.end()) members.insert(routers->second.begin(), routers->second.end());
  return members;
}

// 8.6.1, 8.6.3, 8.6.4.
std::set<PortId> Model::destinations(PortId in, Vid vid, MacAddress to, Time now) const {
  std::set<PortId> all;
  for (const auto& [id, port] : ports_)
    if (is_member(id, vid) && port.up && port.state == PortState::forwarding) all.insert(id);
  std::set<PortId> wanted = all;
  if (to.value() != 0xffff'ffff'ffff && is_group(to)) wanted = group_members(vid, to, all);
  if (!is_group(to))
    if (const Station* const station = find(vid, to, now)) wanted = {station->port};
  std::erase_if(wanted, [&](PortId id) {
    return id == in || !all.contains(id) || (ports_.at(in).config.isolated && ports_.at(id).config.isolated);
  });
  return wanted;
}

void Model::receive(PortId id, const Octets& frame, Time now) {
  const Port& port = ports_.at(id);
  if (!port.up || frame.size() < 14 || frame.size() > 65'560) return;
  const MacAddress to = address_at(frame, 0), from = address_at(frame, 6);
  if (to.value() >= 0x0180'c200'0000 && to.value() <= 0x0180'c200'000f) return;
  const auto classified = classify(port, id, frame);
  if (!classified || is_group(from) || from.value() == 0) return;

  Octets untagged = frame;
  if (classified->tagged) untagged.erase(untagged.begin() + 12, untagged.begin() + 16);
  const bool gone = payload_of(untagged) > port.config.mtu || !permitted(config_.acl, classified->vid, to, from) ||
                    !permitted(port.config.ingress_acl, classified->vid, to, from);
  if (gone || !learn(port, id, classified->vid, from, now) || port.state != PortState::forwarding) return;
  for (const PortId out : destinations(id, classified->vid, to, now)) {
    Port& other = ports_.at(out);
    if (payload_of(untagged) > other.config.mtu) continue;
    if (!permitted(other.config.egress_acl, classified->vid, to, from)) continue;
    other.queue.push_back({classified->vid, classified->priority,
                           other.config.queues.traffic_class[classified->priority], classified->drop_eligible,
                           untagged});
  }
}

// 8.6.6, 8.6.8, 6.9.2: by class, with the tag that the port has for the VLAN now.
std::vector<Octets> Model::drain(PortId id) {
  Port& port = ports_.at(id);
  const PortConfig& config = port.config;
  std::stable_sort(port.queue.begin(), port.queue.end(),
                   [](const Waiting& a, const Waiting& b) { return a.traffic_class > b.traffic_class; });
  std::vector<Octets> frames;
  for (const Waiting& waiting : port.queue) {
    if (!is_member(id, waiting.vid)) continue;
    Octets frame = waiting.untagged;
    const auto type = static_cast<unsigned>(config.tag_type);
    if (config.untagged.contains(waiting.vid)) {
      if (pair_at(frame, 12) == type && !config.nested_tags) continue;
    } else {
      const unsigned control = waiting.priority * 8192 + (waiting.drop_eligible ? 4096 : 0) + waiting.vid;
      for (const unsigned value : {control % 256, control / 256, type % 256, type / 256})
        frame.insert(frame.begin() + 12, static_cast<std::byte>(value));
    }
    frames.push_back(frame);
  }
  port.queue.clear();
  return frames;
}

std::set<Model::Place> Model::stations(Time now) const {
  std::set<Place> places;
  for (const auto& [key, station] : stations_)
    if (find(key.first, key.second, now) != nullptr) places.insert({key.first, key.second, station.port});
  return places;
}

}  // namespace strata::network::model
