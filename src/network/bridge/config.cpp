// What a configuration may not be.
#include "network/bridge/config.h"

#include <algorithm>

namespace strata::network::bridge {

namespace {

template <class... Args>
auto wrong(fmt::format_string<Args...> format, Args&&... args) {
  return fail(ErrorCode::usage, format, std::forward<Args>(args)...);
}

Result<void> check_vlans(const PortConfig& config) {
  for (const auto& [set, name] :
       {std::pair{&config.tagged, "tagged"}, {&config.untagged, "untagged"}, {&config.forbidden, "forbidden"}})
    for (const Vid vid : {no_vid, reserved_vid})
      if (set->contains(vid)) return wrong("VLAN {} among the {} ones; VLANs are 1 to 4094", vid, name);
  if (const auto both = config.tagged & config.untagged; !both.empty())
    return wrong("VLAN {} both tagged and untagged; name it once", to_string(both));
  if (const auto both = config.members() & config.forbidden; !both.empty())
    return wrong("VLAN {} both a member's and forbidden; name it once", to_string(both));
  if (config.pvid != no_vid && !is_vlan(config.pvid)) return wrong("PVID {}; VLANs are 1 to 4094", config.pvid);
  if (config.ingress_filtering && config.pvid != no_vid && config.accept != FrameTypes::tagged &&
      !config.members().contains(config.pvid))
    return wrong(
        "PVID {} is none of the port's VLANs, so that all untagged frames would be refused; add it, or leave the "
        "PVID out",
        config.pvid);
  return {};
}

Result<void> check_priorities(const PortConfig& config) {
  if (config.default_priority >= priorities)
    return wrong("default priority {}; priorities are 0 to 7", config.default_priority);
  for (const unsigned priority : config.regeneration)
    if (priority >= priorities) return wrong("priority {} in the regeneration table; priorities are 0 to 7", priority);
  for (const unsigned traffic_class : config.queues.traffic_class)
    if (traffic_class >= traffic_classes) return wrong("traffic class {}; classes are 0 to 7", traffic_class);
  for (const unsigned weight : config.queues.weights)
    if (weight > 1000) return wrong("weight {} of a queue; weights are 1 to 1000, or 0 for strict", weight);
  if (config.queues.max_frames == 0 || config.queues.max_frames > 65'536)
    return wrong("queues of {} frames; 1 to 65536 are possible", config.queues.max_frames);
  if (config.queues.max_bytes < 65'536)
    return wrong("queues of {} bytes; a frame may have 65536", config.queues.max_bytes);
  if (config.queues.drop_eligible_percent > 100)
    return wrong("{} percent of a queue for drop-eligible frames; 0 to 100 are possible",
                 config.queues.drop_eligible_percent);
  return {};
}

Result<void> check_rates(const PortConfig& config) {
  for (const auto& [rate, name] : {std::pair{&config.ingress_rate, "ingress"}, {&config.egress_rate, "egress"}}) {
    if (rate->bits_per_second == 0) continue;
    if (rate->bits_per_second < 8'000 || rate->bits_per_second > 10'000'000'000'000)
      return wrong("an {} rate of {} bit/s; 8 kbit/s to 10 Tbit/s are possible", name, rate->bits_per_second);
    if (rate->burst_bytes == 0)
      return wrong("an {} rate without a burst; 65536 bytes let the largest frame pass", name);
  }
  return {};
}

Result<void> check_stations(const PortConfig& config) {
  auto entries = config.static_entries;
  const auto order = [](const StaticEntry& a, const StaticEntry& b) {
    return std::pair(a.vid, a.address) < std::pair(b.vid, b.address);
  };
  std::sort(entries.begin(), entries.end(), order);
  for (const auto& entry : entries) {
    if (!is_vlan(entry.vid))
      return wrong("static address {} in VLAN {}; VLANs are 1 to 4094", to_string(entry.address), entry.vid);
    if (entry.address.is_zero() || entry.address.is_broadcast() || entry.address.is_reserved())
      return wrong("static address {}, which is no station's and no group's", to_string(entry.address));
    if (!config.members().contains(entry.vid))
      return wrong("static address {} in VLAN {}, of which the port is no member", to_string(entry.address), entry.vid);
  }
  const auto twice = std::adjacent_find(entries.begin(), entries.end());
  if (twice != entries.end()) return wrong("static address {} in VLAN {} twice", to_string(twice->address), twice->vid);
  return {};
}

Result<void> check_all(const PortConfig& config) {
  STRATA_TRY(check_vlans(config));
  STRATA_TRY(check_priorities(config));
  STRATA_TRY(check_rates(config));
  STRATA_TRY(check_stations(config));
  STRATA_TRY(with_context(validate(config.ingress_acl), "ingress list"));
  STRATA_TRY(with_context(validate(config.egress_acl), "egress list"));
  if (config.mtu < 68 || config.mtu > 9216) return wrong("MTU {}; 68 to 9216 are possible", config.mtu);
  return {};
}

}  // namespace

PortConfig access_port(std::string name, Vid vid) {
  PortConfig config{.name = std::move(name), .pvid = vid, .accept = FrameTypes::untagged};
  config.untagged.add(vid & 0xfff);  // 0 and 4095 are for validate() to refuse
  return config;
}

PortConfig trunk_port(std::string name, const VlanSet& vlans, Vid native) {
  PortConfig config{.name = std::move(name), .pvid = native, .tagged = vlans};
  if (native == no_vid) {
    config.accept = FrameTypes::tagged;
  } else {
    config.tagged.remove(native & 0xfff);
    config.untagged.add(native & 0xfff);
  }
  return config;
}

Result<void> validate(const PortConfig& config) {
  if (config.name.empty()) return wrong("a port without a name");
  return with_context(check_all(config), "port {}", config.name);
}

Result<void> validate(const BridgeConfig& config) {
  if (config.ageing < std::chrono::seconds(1) || config.ageing > std::chrono::seconds(1'000'000))
    return wrong("ageing time of {} s; 1 to 1000000 s are possible",
                 std::chrono::duration<double>(config.ageing).count());
  if (config.max_addresses == 0 || config.max_addresses > 16'777'216)
    return wrong("a table of {} addresses; 1 to 16777216 are possible", config.max_addresses);
  if (config.address.is_group()) return wrong("bridge address {} is a group's", to_string(config.address));
  VlanSet named;
  for (const auto& set : config.shared_learning) {
    if (set.contains(no_vid) || set.contains(reserved_vid))
      return wrong("shared learning of VLAN 0 or 4095; VLANs are 1 to 4094");
    if (set.empty()) return wrong("shared learning of no VLAN");
    if (const auto both = named & set; !both.empty())
      return wrong("VLAN {} in two sets that learn together; name it once", to_string(both));
    named |= set;
  }
  return with_context(validate(config.acl), "list of the switch");
}

}  // namespace strata::network::bridge
