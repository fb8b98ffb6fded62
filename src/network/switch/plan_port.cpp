// A port's settings as the bridge's configuration of it and the place where its cable goes.
#include <algorithm>

#include "network/switch/cable.h"
#include "network/switch/plan_parts.h"
#include "network/switch/values.h"

namespace strata::network {
namespace {

using bridge::PortConfig;

Result<void> set_trunk(PortConfig& config, const Settings& settings) {
  const bridge::VlanSet trunk = STRATA_TRY(vlans_setting(settings, "trunk"));
  config.untagged = STRATA_TRY(vlans_setting(settings, "untagged"));
  const bridge::Vid native = STRATA_TRY(vlan_setting(settings, "native", bridge::no_vid));
  const bridge::VlanSet both = [&] {
    auto set = trunk;
    return set &= config.untagged;
  }();
  if (!both.empty()) {
    return fail(ErrorCode::usage, "VLAN {} is in trunk and in untagged; its frames leave either with a tag or without",
                both.first());
  }
  if (native != bridge::no_vid) config.untagged.add(native);
  config.tagged = trunk - config.untagged;
  config.pvid = STRATA_TRY(vlan_setting(settings, "pvid", native));
  config.forbidden = STRATA_TRY(vlans_setting(settings, "forbidden"));
  return {};
}

Result<void> set_vlans(PortConfig& config, const Settings& settings) {
  const bool is_trunk = settings.has("trunk") || settings.has("native") || settings.has("untagged");
  if (!is_trunk) {
    config.pvid = STRATA_TRY(vlan_setting(settings, "vlan", 1));
    config.untagged.add(config.pvid);
  } else {
    STRATA_TRY(set_trunk(config, settings));
  }
  if (settings.flag("qinq")) config.tag_type = bridge::TagType::s_vlan;
  const std::string_view accept = settings.text("accept");
  if (accept == "tagged") {
    config.accept = bridge::FrameTypes::tagged;
  } else if (accept == "untagged") {
    config.accept = bridge::FrameTypes::untagged;
  } else if (!accept.empty() && accept != "all") {
    return fail(ErrorCode::usage, "accept '{}' is not one of all, tagged, untagged", accept);
  }
  config.ingress_filtering = settings.flag("ingress-filtering", true);
  config.nested_tags = settings.flag("nested-tags");
  return {};
}

Result<bridge::StormLimit> storm_limit(const Settings& settings, std::string_view name) {
  return bridge::StormLimit{static_cast<uint32_t>(STRATA_TRY(number_setting(settings, name, 0, 100'000'000, 0)))};
}

Result<void> set_traffic(PortConfig& config, const Settings& settings) {
  config.mtu = static_cast<uint16_t>(STRATA_TRY(number_setting(settings, "mtu", 68, 9216, 1500)));
  config.isolated = settings.flag("isolated");
  config.default_priority = static_cast<uint8_t>(STRATA_TRY(number_setting(settings, "priority", 0, 7, 0)));
  for (const auto& [from, to] : STRATA_TRY(pairs_setting(settings, "regenerate", 7, 7))) {
    config.regeneration[from] = static_cast<uint8_t>(to);
  }
  config.ingress_rate.bits_per_second = STRATA_TRY(rate_setting(settings, "rate-in"));
  config.egress_rate.bits_per_second = STRATA_TRY(rate_setting(settings, "rate-out"));
  for (const auto& [priority, queue] : STRATA_TRY(pairs_setting(settings, "queue-class", 7, 7))) {
    config.queues.traffic_class[priority] = static_cast<uint8_t>(queue);
  }
  for (const auto& [queue, weight] : STRATA_TRY(pairs_setting(settings, "queue-weights", 7, 1000))) {
    config.queues.weights[queue] = static_cast<uint16_t>(weight);
  }
  config.queues.max_frames =
      static_cast<uint32_t>(STRATA_TRY(number_setting(settings, "queue-frames", 1, 65536, 1024)));
  config.storm.broadcast = STRATA_TRY(storm_limit(settings, "broadcast-limit"));
  config.storm.multicast = STRATA_TRY(storm_limit(settings, "multicast-limit"));
  config.storm.unknown_unicast = STRATA_TRY(storm_limit(settings, "unknown-limit"));
  return {};
}

Result<bridge::StaticEntry> static_entry(std::string_view text) {
  const size_t slash = std::min(text.find('/'), text.size());
  const auto vlan = parse_number(text.substr(0, slash));
  const auto address = bridge::MacAddress::parse(text.substr(std::min(slash + 1, text.size())));
  if (vlan && *vlan >= 1 && *vlan < bridge::reserved_vid && address) {
    return bridge::StaticEntry{static_cast<bridge::Vid>(*vlan), *address};
  }
  return fail(ErrorCode::usage, "static '{}' is not VLAN/MAC such as 10/52:54:00:12:34:56", text);
}

Result<void> set_stations(PortConfig& config, const Settings& settings) {
  config.learning = settings.flag("learning", true);
  config.learning_limit = static_cast<uint32_t>(STRATA_TRY(number_setting(settings, "mac-limit", 0, 1'000'000, 0)));
  config.drop_beyond_limit = settings.flag("mac-limit-drop");
  for (const std::string& text : settings.list("static")) {
    config.static_entries.push_back(STRATA_TRY(static_entry(text)));
  }
  return {};
}

Result<protocols::ControlPortOptions> make_control(const Settings& settings) {
  protocols::ControlPortOptions control{.mvrp = settings.flag("mvrp"),
                                        .mvrp_restricted = settings.flag("mvrp-restricted")};
  protocols::RstpPortOptions& rstp = control.rstp;
  rstp.priority = static_cast<uint8_t>(STRATA_TRY(number_setting(settings, "stp-priority", 0, 240, rstp.priority)));
  rstp.path_cost = static_cast<uint32_t>(STRATA_TRY(number_setting(settings, "cost", 1, 200'000'000, rstp.path_cost)));
  if (rstp.priority % 16 != 0) return fail(ErrorCode::usage, "stp-priority '{}' is no multiple of 16", rstp.priority);
  rstp.admin_edge = settings.flag("edge");
  rstp.auto_edge = settings.flag("auto-edge", true);
  rstp.bpdu_guard = settings.flag("bpdu-guard");
  rstp.restricted_role = settings.flag("root-guard");
  rstp.restricted_tcn = settings.flag("tcn-guard");
  return control;
}

constexpr std::pair<std::string_view, Attachment::Kind> places[] = {
    {"netns", Attachment::Kind::netns},         {"tap", Attachment::Kind::tap},
    {"interface", Attachment::Kind::interface}, {"socket", Attachment::Kind::listen},
    {"connect", Attachment::Kind::connect},     {"vxlan", Attachment::Kind::vxlan},
};

Result<Attachment> make_attachment(std::string_view port, const Settings& settings) {
  Attachment attachment;
  for (const auto& [name, kind] : places) {
    if (!settings.has(name)) continue;
    if (settings.text(name).empty()) return fail(ErrorCode::usage, "{} is empty", name);
    if (attachment.kind != Attachment::Kind::unplugged) {
      return fail(ErrorCode::usage, "{} is a second end of the cable; a port has one", name);
    }
    attachment.kind = kind;
    attachment.name = settings.text(name);
  }
  if (attachment.kind == Attachment::Kind::netns) {
    attachment.netns = std::exchange(attachment.name, settings.has("ifname") ? settings.text("ifname") : port);
  } else if (settings.has("ifname")) {
    return fail(ErrorCode::usage, "ifname goes with netns");
  }
  attachment.offloads = settings.flag("offloads");
  if (attachment.kind == Attachment::Kind::vxlan) STRATA_TRY(parse_vxlan(attachment.name));
  if (settings.flag("user")) attachment.kind = Attachment::Kind::user;
  for (const std::string& forward : settings.list("forward")) {
    if (!settings.flag("user")) return fail(ErrorCode::usage, "forward goes with user");
    attachment.forwards.push_back(STRATA_TRY(parse_forward(forward)));
  }
  return attachment;
}

}  // namespace

Result<PortPlan> make_port(std::string_view name, const Settings& settings) {
  STRATA_TRY(check_settings(PartKind::port, settings));
  PortPlan plan;
  plan.config.name = name;
  STRATA_TRY(set_vlans(plan.config, settings));
  STRATA_TRY(set_traffic(plan.config, settings));
  STRATA_TRY(set_stations(plan.config, settings));
  plan.control = STRATA_TRY(make_control(settings));
  plan.attachment = STRATA_TRY(make_attachment(name, settings));
  if (plan.attachment.kind == Attachment::Kind::user) plan.control.rstp.admin_edge = true;
  plan.down = settings.flag("down");
  if (plan.down) {  // of no VLAN: nothing comes in, nothing goes out, and the cable stays as it is
    plan.config.tagged = plan.config.untagged = plan.config.forbidden = {};
    plan.config.pvid = bridge::no_vid;
    plan.config.static_entries.clear();
  }
  return plan;
}

}  // namespace strata::network
