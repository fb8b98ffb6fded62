// From settings to a plan: the whole, mirrors, and what parts must agree on.
#include "network/switch/plan.h"

#include <algorithm>
#include <set>

#include "network/switch/plan_parts.h"
#include "network/switch/values.h"

namespace strata::network {
namespace {

template <class T>
Result<T> about(PartKind kind, std::string_view name, Result<T> result) {
  return with_context(std::move(result), "{} {}", info_of(kind).name, name);
}

Result<bridge::BridgeConfig> bridge_plan(const Settings& options) {
  bridge::BridgeConfig config;
  config.ageing = std::chrono::seconds(STRATA_TRY(number_setting(options, "ageing", 1, 1'000'000, 300)));
  config.max_addresses =
      static_cast<uint32_t>(STRATA_TRY(number_setting(options, "max-addresses", 1, 1'000'000, config.max_addresses)));
  for (const std::string& vlans : options.list("shared-learning")) {
    config.shared_learning.push_back(STRATA_TRY(with_context(bridge::parse_vlans(vlans), "shared-learning")));
  }
  return config;
}

Result<protocols::ControlOptions> control_plan(const Settings& options) {
  protocols::ControlOptions control{.rstp = options.flag("rstp"), .mvrp = options.flag("mvrp")};
  control.snooped = STRATA_TRY(vlans_setting(options, "snooping"));
  control.snooping.fast_leave = options.flag("snooping-fast-leave");
  protocols::RstpOptions& tree = control.spanning_tree;
  tree.priority = static_cast<uint16_t>(STRATA_TRY(number_setting(options, "stp-priority", 0, 61440, tree.priority)));
  tree.hello_time = static_cast<uint8_t>(STRATA_TRY(number_setting(options, "stp-hello", 1, 10, tree.hello_time)));
  tree.max_age = static_cast<uint8_t>(STRATA_TRY(number_setting(options, "stp-max-age", 6, 40, tree.max_age)));
  tree.forward_delay =
      static_cast<uint8_t>(STRATA_TRY(number_setting(options, "stp-forward-delay", 4, 30, tree.forward_delay)));
  if (tree.priority % 4096 != 0) {
    return fail(ErrorCode::usage, "stp-priority '{}' is no multiple of 4096", tree.priority);
  }
  if (2 * (tree.forward_delay - 1) < tree.max_age || tree.max_age < 2 * (tree.hello_time + 1)) {  // 802.1D, 17.14
    return fail(ErrorCode::usage,
                "stp-max-age {} is to be from 2 * (stp-hello + 1) = {} to 2 * (stp-forward-delay - 1) = {}",
                tree.max_age, 2 * (tree.hello_time + 1), 2 * (tree.forward_delay - 1));
  }
  return control;
}

/// Rules stand in the list of the port that they name, or in everybody's, in the order of their names.
Result<void> add_rules(Plan& plan, const Parts& rules) {
  for (const auto& [name, settings] : rules) {
    const bridge::AclRule rule = STRATA_TRY(about(PartKind::acl, name, make_acl_rule(settings)));
    const std::string_view direction = settings.text("direction"), port_name = settings.text("port");
    if (!direction.empty() && direction != "in" && direction != "out") {
      return about<void>(PartKind::acl, name,
                         fail(ErrorCode::usage, "direction '{}' is not one of in, out", direction));
    }
    if (port_name.empty() && direction == "out") {
      return about<void>(PartKind::acl, name, fail(ErrorCode::usage, "direction out needs a port"));
    }
    if (port_name.empty()) {
      plan.bridge.acl.push_back(rule);
      continue;
    }
    const auto port = std::find_if(plan.ports.begin(), plan.ports.end(),
                                   [&](const PortPlan& each) { return each.config.name == port_name; });
    if (port == plan.ports.end()) {
      return about<void>(PartKind::acl, name, fail(ErrorCode::usage, "there is no port '{}'", port_name));
    }
    (direction == "out" ? port->config.egress_acl : port->config.ingress_acl).push_back(rule);
  }
  return {};
}

Result<MirrorPlan> make_mirror(const Plan& plan, std::string_view name, const Settings& settings) {
  MirrorPlan mirror{std::string(name), std::string(settings.text("to")), settings.list("ports")};
  const std::string_view direction = settings.text("direction");
  if (!direction.empty() && direction != "in" && direction != "out" && direction != "both") {
    return fail(ErrorCode::usage, "direction '{}' is not one of in, out, both", direction);
  }
  mirror.in = direction != "out";
  mirror.out = direction != "in";
  if (mirror.to.empty()) return fail(ErrorCode::usage, "to is missing: the port that gets the copies");
  if (mirror.ports.empty()) return fail(ErrorCode::usage, "ports is missing: whose frames are copied");
  std::vector<std::string> named = mirror.ports;
  named.push_back(mirror.to);
  for (const std::string& port : named) {
    if (!plan.find_port(port)) return fail(ErrorCode::usage, "there is no port '{}'", port);
  }
  if (std::find(mirror.ports.begin(), mirror.ports.end(), mirror.to) != mirror.ports.end()) {
    return fail(ErrorCode::usage, "port {} cannot get copies of its own frames", mirror.to);
  }
  return mirror;
}

/// Two ports at one end of a cable would take each other's frames.
Result<void> check_attachments(const Plan& plan) {
  using Kind = Attachment::Kind;
  std::set<std::tuple<Kind, std::string, std::string>> taken;
  for (const PortPlan& port : plan.ports) {
    const Attachment& where = port.attachment;
    if (where.kind == Kind::unplugged || where.kind == Kind::user || where.kind == Kind::connect) continue;
    const auto other = std::find_if(plan.ports.begin(), plan.ports.end(), [&](const PortPlan& each) {
      return each.attachment.kind == where.kind && each.attachment.netns == where.netns &&
             each.attachment.name == where.name;
    });
    if (&*other != &port) {
      return about<void>(PartKind::port, port.config.name,
                         fail(ErrorCode::usage, "'{}' is where port {} leads already", where.name, other->config.name));
    }
  }
  return {};
}

/// An uplink gives addresses itself: two servers in one VLAN would quarrel.
Result<void> check_servers(const Plan& plan) {
  for (const DhcpPlan& dhcp : plan.dhcp) {
    for (const PortPlan& port : plan.ports) {
      if (port.attachment.kind == Attachment::Kind::user && port.config.pvid == dhcp.vlan) {
        return about<void>(
            PartKind::dhcp, std::to_string(dhcp.vlan),
            fail(ErrorCode::usage, "port {} is an uplink, which gives addresses itself; have one of the two",
                 port.config.name));
      }
    }
  }
  return {};
}

}  // namespace

const PortPlan* Plan::find_port(std::string_view name) const {
  const auto found =
      std::find_if(ports.begin(), ports.end(), [&](const PortPlan& each) { return each.config.name == name; });
  return found == ports.end() ? nullptr : &*found;
}

Result<Plan> make_plan(const Configuration& configuration) {
  Plan plan;
  plan.bridge = STRATA_TRY(with_context(bridge_plan(configuration.options()), "{}", options_name));
  plan.control = STRATA_TRY(with_context(control_plan(configuration.options()), "{}", options_name));
  plan.busy_poll = std::chrono::microseconds(STRATA_TRY(
      with_context(number_setting(configuration.options(), "busy-poll", 0, 1'000'000, 0), "{}", options_name)));
  for (const auto& [name, settings] : configuration.parts(PartKind::port)) {
    plan.ports.push_back(STRATA_TRY(make_port_plan(name, settings)));
  }
  STRATA_TRY(add_rules(plan, configuration.parts(PartKind::acl)));
  for (const auto& [name, settings] : configuration.parts(PartKind::mirror)) {
    plan.mirrors.push_back(STRATA_TRY(about(PartKind::mirror, name, make_mirror(plan, name, settings))));
  }
  for (const auto& [name, settings] : configuration.parts(PartKind::dhcp)) {
    plan.dhcp.push_back(STRATA_TRY(about(PartKind::dhcp, name, make_dhcp(name, settings))));
  }
  STRATA_TRY(check_attachments(plan));
  STRATA_TRY(check_servers(plan));
  STRATA_TRY(bridge::validate(plan.bridge));
  for (const PortPlan& port : plan.ports) STRATA_TRY(bridge::validate(port.config));
  return plan;
}

Result<PortPlan> make_port_plan(std::string_view name, const Settings& settings) {
  return about(PartKind::port, name, make_port(name, settings));
}

}  // namespace strata::network
