// Ingress: what a frame is, whether it may come in, and where it goes (802.1Q-2018, 6.9, 8.6.1 to 8.6.4, 8.7).
#include <algorithm>

#include "network/bridge/bridge.h"
#include "network/bridge/multicast.h"
#include "network/bridge/port.h"

namespace strata::network::bridge {

namespace {

constexpr std::size_t type_offset = 2 * MacAddress::size;

bool good_offload(const Offload& offload, std::size_t size, std::size_t headers) {
  if (offload.gso != Offload::Gso::none && (offload.gso_size == 0 || offload.header_length > size)) return false;
  if (!offload.needs_checksum) return true;
  return offload.checksum_start >= headers && offload.checksum_start < 0xfff0 &&
         std::size_t{offload.checksum_start} + offload.checksum_offset + 2 <= size;
}

}  // namespace

std::size_t payload_size(const Frame& frame, std::size_t skip) {
  const auto octets = frame.stored();
  std::size_t headers = ethernet_header_size + skip;
  for (int tags = 0; tags < 2 && octets.size() >= headers + Tag::size; ++tags, headers += Tag::size) {
    const auto type = load_be<std::uint16_t>(octets.data() + headers - 2);
    if (type != static_cast<std::uint16_t>(TagType::c_vlan) && type != static_cast<std::uint16_t>(TagType::s_vlan))
      break;
  }
  return octets.size() - headers;
}

bool fits_mtu(const Frame& frame, std::size_t skip, std::uint16_t mtu) {
  if (frame.stored().size() <= ethernet_header_size + skip + mtu) return true;
  const Offload offload = frame.offload();
  constexpr std::size_t least_headers = 28;  // IPv4 and UDP: the length that the sender gives is only a hint
  if (offload.gso != Offload::Gso::none) return offload.gso_size + least_headers <= mtu;
  return payload_size(frame, skip) <= mtu;
}

void Bridge::receive(PortId id, std::span<Frame> frames, Time now) {
  Port& port = *port_[id];
  for (Frame& frame : frames) receive_one(port, std::move(frame), now);
}

// What has nothing to do with VLANs; these checks come before all others.
void Bridge::receive_one(Port& port, Frame frame, Time now) {
  if (!frame) return;
  const auto octets = frame.stored();
  port.counters.received.add(octets.size());
  if (!port.takes_part()) return port.drop(Drop::port_state);
  if (octets.size() < ethernet_header_size) return port.drop(Drop::runt);
  if (octets.size() > max_frame_size) return port.drop(Drop::giant);
  if (port.mirror_ingress)
    for (const auto& session : mirrors_)
      if (session.ingress.contains(port.id)) mirror(frame, session.destination);
  forward(port, std::move(frame), now);
}

void Bridge::forward(Port& port, Frame frame, Time now) {
  const std::byte* const octets = frame.stored().data();
  Arrival arrival{.destination = MacAddress::load(octets), .source = MacAddress::load(octets + MacAddress::size)};
  if (arrival.destination.value() >> 8 == 0x0180'c200'00 && take_control(port, frame, arrival.destination, now)) return;
  if (!classify(port, frame, arrival)) return;
  if (!admit(port, frame, arrival, now)) return;
  if (arrival.tagged) frame.strip_tag();
  if (!learn(port, arrival, now)) return;
  if (port.state != PortState::forwarding) return port.drop(Drop::port_state);

  Vlan* const vlan = vlan_[arrival.vid].get();
  if (vlan == nullptr) return port.drop(Drop::no_destination);  // ingress filtering is off, and nobody is a member
  vlan->counters.received.add(frame.size());

  PortSet selected;
  const PortSet* targets = &vlan->forwarding;
  if (arrival.destination.is_group()) {
    targets = select_group(port, *vlan, frame, arrival, now, selected);
    if (targets == nullptr) return;
  } else if (const auto* entry = fdb_.find(Fdb::key_of(fid_of(arrival.vid), arrival.destination));
             entry != nullptr && !expired(*entry, milliseconds(now))) {
    if (entry->port == port.id) return port.drop(Drop::same_port);
    Port& out = *port_[entry->port];
    if (!vlan->forwarding.contains(out.id) || (port.config.isolated && out.config.isolated))
      return port.drop(Drop::no_destination);
    return enqueue(out, std::move(frame), arrival);
  } else if (!port.unknown_bucket.try_take(1, now)) {
    return port.drop(Drop::storm);
  }
  flood(port, std::move(frame), arrival, *targets);
}

// VLAN and priority (6.9). False: the frame is dropped.
bool Bridge::classify(Port& port, const Frame& frame, Arrival& arrival) {
  const auto octets = frame.stored();
  const auto& config = port.config;
  const auto refuse = [&](Drop reason) { return port.drop(reason), false; };

  arrival.priority = config.default_priority;
  if (load_be<std::uint16_t>(octets.data() + type_offset) == static_cast<std::uint16_t>(config.tag_type)) {
    if (octets.size() < ethernet_header_size + Tag::size) return refuse(Drop::runt);
    const Tag tag = Tag::from_control(config.tag_type, load_be<std::uint16_t>(octets.data() + type_offset + 2));
    if (tag.vid == reserved_vid) return refuse(Drop::reserved_vlan);
    arrival.tagged = true;
    arrival.vid = tag.vid;
    arrival.priority = config.regeneration[tag.priority];
    arrival.drop_eligible = tag.drop_eligible;
  }
  const bool names_vlan = arrival.vid != no_vid;
  if (config.accept == FrameTypes::tagged && !names_vlan) return refuse(Drop::frame_type);
  if (config.accept == FrameTypes::untagged && names_vlan) return refuse(Drop::frame_type);
  if (!names_vlan) arrival.vid = config.pvid;
  if (arrival.vid == no_vid) return refuse(Drop::frame_type);
  if (config.ingress_filtering && !port.member.contains(arrival.vid)) return refuse(Drop::ingress_filter);
  return true;
}

// Limits and lists. False: the frame is dropped.
bool Bridge::admit(Port& port, const Frame& frame, const Arrival& arrival, Time now) {
  const auto refuse = [&](Drop reason) { return port.drop(reason), false; };
  const std::size_t tag = arrival.tagged ? Tag::size : 0;
  const auto octets = frame.stored();

  if (arrival.source.is_group() || arrival.source.is_zero()) return refuse(Drop::bad_source);
  if (!good_offload(frame.offload(), octets.size(), ethernet_header_size + tag)) return refuse(Drop::bad_offload);
  if (!fits_mtu(frame, tag, port.config.mtu)) return refuse(Drop::giant);
  if (!permits(config_.acl, arrival.vid, octets) || !permits(port.config.ingress_acl, arrival.vid, octets))
    return refuse(Drop::ingress_acl);
  if (!port.ingress_bucket.try_take(octets.size() * 8, now)) return refuse(Drop::ingress_rate);
  return true;
}

// The Learning Process (8.7). False: the frame is dropped, as its station is beyond the port's limit.
bool Bridge::learn(Port& port, const Arrival& arrival, Time now) {
  if (port.state == PortState::discarding || !port.config.learning || vlan_[arrival.vid] == nullptr) return true;
  const auto key = Fdb::key_of(fid_of(arrival.vid), arrival.source);
  const std::uint32_t now_ms = milliseconds(now);
  Fdb::Entry* entry = fdb_.find(key);
  if (entry != nullptr) {
    if (entry->is_static) return true;
    if (entry->port == port.id) {
      entry->seen = now_ms;
      return true;
    }
  }
  const auto at_limit = [&] { return port.config.learning_limit != 0 && port.learnt >= port.config.learning_limit; };
  if ((at_limit() || fdb_.full()) && now >= last_sweep_ + std::chrono::seconds(1)) {
    sweep(now);  // stations that are gone count until somebody needs their place
    entry = fdb_.find(key);
  }
  if (at_limit()) {
    if (!port.config.drop_beyond_limit) return true;
    port.drop(Drop::learning_limit);
    return false;
  }
  if (entry == nullptr) {
    entry = fdb_.insert(key);
    if (entry == nullptr) return true;  // full: the station stays unknown
  } else {
    forget(*entry);
    ++port.counters.moved_addresses;
  }
  entry->port = port.id;
  entry->seen = now_ms;
  ++port.learnt;
  return true;
}

// A frame to 01-80-C2-00-00-xx. True: it went to its protocol, or is one that no bridge forwards (8.6.3).
bool Bridge::take_control(Port& port, Frame& frame, MacAddress destination, Time now) {
  const auto attachment = std::find_if(attachments_.begin(), attachments_.end(),
                                       [&](const auto& candidate) { return candidate.address == destination; });
  if (attachment == attachments_.end()) {
    if (!destination.is_reserved()) return false;
    port.drop(Drop::reserved_address);
    return true;
  }
  const auto octets = frame.stored();
  const std::byte* const type = octets.data() + type_offset;
  if (load_be<std::uint16_t>(type) == static_cast<std::uint16_t>(port.config.tag_type)) {
    // Protocols of the bridge itself speak untagged, or with a priority only.
    if (octets.size() < ethernet_header_size + Tag::size || (load_be<std::uint16_t>(type + 2) & 0xfff) != no_vid) {
      port.drop(Drop::reserved_address);
      return true;
    }
    frame.strip_tag();
    if (!frame.flatten()) return true;
  }
  attachment->protocol->receive(port.id, frame.stored(), now);
  return true;
}

// Where a frame to a group goes, or null if it goes nowhere. `selected` holds the set if it is no other's.
const PortSet* Bridge::select_group(Port& port, const Vlan& vlan, Frame& frame, const Arrival& arrival, Time now,
                                    PortSet& selected) {
  const bool broadcast = arrival.destination.is_broadcast();
  ++(broadcast ? port.counters.received_broadcast : port.counters.received_multicast);
  if (!(broadcast ? port.broadcast_bucket : port.multicast_bucket).try_take(1, now)) {
    port.drop(Drop::storm);
    return nullptr;
  }
  if (broadcast) return &vlan.forwarding;

  if (vlan.snooping && snooper_ != nullptr && is_group_management(frame.body())) {
    if (!frame.flatten()) return nullptr;
    switch (snooper_->snoop(port.id, arrival.vid, frame.stored(), now)) {
      case Snooper::Verdict::forward: return &vlan.forwarding;
      case Snooper::Verdict::to_routers: selected = vlan.routers & vlan.forwarding; return &selected;
      case Snooper::Verdict::consume: return nullptr;
    }
  }
  const auto group = groups_.empty() ? groups_.end() : groups_.find(Fdb::key_of(arrival.vid, arrival.destination));
  if (group != groups_.end()) {
    selected = (group->second.configured | group->second.registered | vlan.routers) & vlan.forwarding;
    return &selected;
  }
  if (vlan.snooping && is_filtered_when_unregistered(arrival.destination)) {
    selected = vlan.routers & vlan.forwarding;
    return &selected;
  }
  return &vlan.forwarding;
}

void Bridge::flood(Port& port, Frame frame, const Arrival& arrival, PortSet targets) {
  targets.remove(port.id);
  if (port.config.isolated) targets -= isolated_;
  PortId previous = no_port;  // the last one gets the frame itself, those before it another handle
  targets.for_each([&](unsigned target) {
    if (previous != no_port) enqueue(*port_[previous], frame.share(), arrival);
    previous = static_cast<PortId>(target);
  });
  if (previous == no_port) return port.drop(Drop::no_destination);
  enqueue(*port_[previous], std::move(frame), arrival);
}

}  // namespace strata::network::bridge
