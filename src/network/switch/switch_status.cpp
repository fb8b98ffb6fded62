// What a switch tells of itself, as JSON (docs/formats/network_control.md).
#include <arpa/inet.h>
#include <unistd.h>

#include "network/switch/settings_json.h"
#include "network/switch/switch.h"

namespace strata::network {
namespace {

using bridge::PortCounters;

Json traffic_json(const bridge::Traffic& traffic) { return {{"frames", traffic.frames}, {"bytes", traffic.bytes}}; }

/// Reasons that did not happen are left out.
Json drops_json(const PortCounters& counters) {
  Json drops = Json::object();
  for (size_t i = 0; i < counters.drops.size(); ++i) {
    if (counters.drops[i]) drops[std::string(to_string(static_cast<bridge::Drop>(i)))] = counters.drops[i];
  }
  return drops;
}

std::string_view name_of(protocols::PortRole role) {
  using enum protocols::PortRole;
  switch (role) {
    case root: return "root";
    case designated: return "designated";
    case alternate: return "alternate";
    case backup: return "backup";
    default: return "disabled";
  }
}

std::string_view name_of(bridge::PortState state) {
  using enum bridge::PortState;
  return state == forwarding ? "forwarding" : state == learning ? "learning" : "discarding";
}

/// null where the protocol is off.
Json port_tree_json(const protocols::Rstp* rstp, bridge::PortId id) {
  if (!rstp || !rstp->ports().contains(id)) return nullptr;
  const protocols::RstpPort& port = rstp->ports().at(id);
  return {{"role", name_of(port.role)},
          {"state", name_of(protocols::Rstp::state_of(port))},
          {"edge", port.oper_edge},
          {"guard_tripped", port.guard_tripped}};
}

std::string group_text(const protocols::GroupAddress& group) {
  char text[INET6_ADDRSTRLEN] = {};
  const bool v4 = protocols::is_ipv4_group(group);
  inet_ntop(v4 ? AF_INET : AF_INET6, group.data() + (v4 ? group.size() - 4 : 0), text, sizeof text);
  return text;
}

std::string bridge_id_text(const protocols::BridgeId& id) {
  return fmt::format("{}/{}", id.priority, to_string(bridge::MacAddress(id.address)));
}

Json lease_json(const services::DhcpLease& lease) {
  return {{"address", services::ipv4_text(lease.address)},
          {"mac", to_string(lease.mac)},
          {"host_name", lease.host_name},
          {"expires", lease.expires}};
}

}  // namespace

/// On the datapath's thread.
Json Switch::port_json(const LivePort& port) {
  bridge::Bridge& bridge = datapath_->bridge();
  ports::Port* const cable = datapath_->port(port.id);
  const bool up = bridge.is_up(port.id) && !port.plan.down;
  std::string reason = port.reason;
  if (port.plan.down) reason = "switched off";
  if (reason.empty() && !up) reason = cable ? "nobody is connected" : "no cable";
  const PortCounters& counters = bridge.counters(port.id);
  return {{"name", port.plan.config.name},
          {"state", up ? "up" : "down"},
          {"reason", up ? "" : reason},
          {"leads_to", cable ? cable->describe() : ""},
          {"machine", port.machine},
          {"pvid", port.plan.config.pvid},
          {"untagged", to_string(port.plan.config.untagged)},
          {"tagged", to_string(port.plan.config.tagged)},
          {"registered", to_string(bridge.registered(port.id))},
          {"settings", settings_to_json(port.settings)},
          {"received", traffic_json(counters.received)},
          {"transmitted", traffic_json(counters.transmitted)},
          {"dropped", counters.dropped()},
          {"spanning_tree", port_tree_json(control_->rstp(), port.id)}};
}

/// On the datapath's thread; null where the protocol is off.
Json Switch::spanning_tree_json() {
  const protocols::Rstp* rstp = control_->rstp();
  if (!rstp) return nullptr;
  return {{"bridge", bridge_id_text(rstp->bridge_id())},
          {"root", bridge_id_text(rstp->root_priority().root)},
          {"is_root", rstp->is_root()}};
}

/// On the datapath's thread: which ports want which multicast, in VLANs with snooping.
Json Switch::multicast_json() {
  Json list = Json::array();
  plan_.control.snooped.for_each([&](unsigned vlan) {
    for (const auto& [group, members] : control_->snooping().groups(static_cast<bridge::Vid>(vlan))) {
      Json ports = Json::array();
      members.for_each([&](unsigned id) {
        const auto port = static_cast<bridge::PortId>(id);
        if (datapath_->bridge().has_port(port)) ports.push_back(datapath_->bridge().config(port).name);
      });
      list.push_back({{"vlan", vlan}, {"group", group_text(group)}, {"ports", std::move(ports)}});
    }
  });
  return list;
}

Json Switch::port_list() {
  return datapath_->call([&] {
    Json list = Json::array();
    for (const auto& [name, port] : ports_) list.push_back(port_json(port));
    return list;
  });
}

Json Switch::status() {
  const auto uptime = std::chrono::duration_cast<std::chrono::seconds>(EventLoop::Clock::now() - started_);
  Json json = {{"name", folders_.name},          {"pid", getpid()},
               {"revision", revision_},          {"uptime_seconds", uptime.count()},
               {"log", folders_.log().string()}, {"ports", port_list()},
               {"mirrors", Json::array()},       {"acl", Json::array()},
               {"dhcp", Json::array()}};
  for (const auto& [name, settings] : configuration_.parts(PartKind::mirror)) {
    json["mirrors"].push_back({{"name", name}, {"settings", settings_to_json(settings)}});
  }
  for (const auto& [name, settings] : configuration_.parts(PartKind::acl)) {
    json["acl"].push_back({{"name", name}, {"settings", settings_to_json(settings)}});
  }
  datapath_->call([&] {
    json["spanning_tree"] = spanning_tree_json();
    json["multicast"] = multicast_json();
    for (const auto& [vlan, service] : services_) {
      const auto& server = static_cast<VlanHostPort*>(datapath_->port(service.id))->host().dhcp();
      Json leases = Json::array();
      for (const auto& [address, lease] : server.leases().all()) leases.push_back(lease_json(lease));
      json["dhcp"].push_back({{"vlan", vlan},
                              {"address", services::ipv4_text(server.options().server)},
                              {"range", services::ipv4_text(server.options().range)},
                              {"leases", std::move(leases)}});
    }
  });
  return json;
}

Json Switch::stations() {
  return datapath_->call([&] {
    Json list = Json::array();
    for (const bridge::Station& station : datapath_->bridge().stations(Datapath::now())) {
      const auto age = std::chrono::duration_cast<std::chrono::seconds>(station.age);
      list.push_back({{"vlan", station.fid},
                      {"address", to_string(station.address)},
                      {"port", datapath_->bridge().config(station.port).name},
                      {"static", station.is_static},
                      {"age_seconds", age.count()}});
    }
    return list;
  });
}

Json Switch::counters() {
  return datapath_->call([&] {
    bridge::Bridge& bridge = datapath_->bridge();
    Json ports = Json::array(), vlans = Json::array();
    for (const auto& [name, port] : ports_) {
      const PortCounters& counters = bridge.counters(port.id);
      Json json = {{"name", name},
                   {"received", traffic_json(counters.received)},
                   {"transmitted", traffic_json(counters.transmitted)},
                   {"received_broadcast", counters.received_broadcast},
                   {"received_multicast", counters.received_multicast},
                   {"moved_addresses", counters.moved_addresses},
                   {"dropped", drops_json(counters)}};
      if (const ports::Port* cable = datapath_->port(port.id)) {
        json["cable"] = {{"receive_dropped", cable->counters().receive_dropped},
                         {"send_dropped", cable->counters().send_dropped}};
      }
      ports.push_back(std::move(json));
    }
    bridge.vlans().for_each([&](unsigned vlan) {
      const auto& counters = bridge.vlan_counters(static_cast<bridge::Vid>(vlan));
      vlans.push_back({{"vlan", vlan},
                       {"received", traffic_json(counters.received)},
                       {"transmitted", traffic_json(counters.transmitted)}});
    });
    return Json{{"ports", std::move(ports)}, {"vlans", std::move(vlans)}};
  });
}

Result<void> Switch::flush(std::optional<bridge::Vid> vlan, const std::string& port) {
  const auto only = ports_.find(port);
  if (!port.empty() && only == ports_.end()) return fail(ErrorCode::not_found, "there is no port '{}'", port);
  datapath_->call([&] {
    for (const auto& [name, each] : ports_) {
      if (!port.empty() && name != port) continue;
      vlan ? datapath_->bridge().flush(each.id, *vlan) : datapath_->bridge().flush(each.id);
    }
  });
  return {};
}

}  // namespace strata::network
