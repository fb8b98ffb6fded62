// What a network says of itself, as tables or as JSON.
#include <nlohmann/json.hpp>

#include "control/network_commands.h"
#include "control/quantity.h"
#include "control/text_table.h"
#include "network/switch/control_client.h"
#include "network/switch/folders.h"
#include "network/switch/process.h"
#include "network/switch/settings_json.h"

namespace strata::control {
namespace {

using network::Json;

void print_json(const Json& json) { fmt::print("{}\n", network::to_text(json, 2)); }

std::string text_of(const Json& json, const char* key) { return network::text_field_or(json, key, ""); }

std::string number_of(const Json& json, const char* key) {
  return std::to_string(network::number_field_or(json, key, 0));
}

/// "10", "10,20-29 tagged", "5; 10,20-29 tagged".
std::string vlans_of(const Json& port) {
  const std::string untagged = text_of(port, "untagged"), registered = text_of(port, "registered");
  std::string tagged = text_of(port, "tagged");
  if (!registered.empty()) tagged += (tagged.empty() ? "" : ",") + registered;
  if (tagged.empty()) return untagged.empty() ? "-" : untagged;
  return untagged.empty() ? tagged + " tagged" : untagged + "; " + tagged + " tagged";
}

/// A port that the spanning tree keeps shut is up, but not for traffic.
std::string state_of(const Json& port) {
  const std::string state = text_of(port, "state");
  const auto tree = port.find("spanning_tree");
  if (state != "up" || tree == port.end() || tree->is_null() || text_of(*tree, "state") == "forwarding") return state;
  return text_of(*tree, "state");
}

std::string port_table(const Json& ports) {
  TextTable table({"PORT", "STATE", "VLANS", "RECEIVED", "SENT", "DROPPED", "LEADS TO"});
  for (const Json& port : ports) {
    const bool up = text_of(port, "state") == "up";
    table.add({text_of(port, "name"), state_of(port), vlans_of(port),
               format_bytes(network::number_field_or(port["received"], "bytes", 0)),
               format_bytes(network::number_field_or(port["transmitted"], "bytes", 0)), number_of(port, "dropped"),
               up ? text_of(port, "leads_to") : text_of(port, "reason")});
  }
  return table.text();
}

std::string settings_text(const Settings& settings) {
  std::string text;
  for (const auto& [name, values] : settings.all()) {
    if (!text.empty()) text += ", ";
    text += fmt::format("{} {}", name, fmt::join(values, " "));
  }
  return text;
}

void print_parts(const Json& parts, std::string_view title) {
  for (const Json& part : parts) {
    const Settings settings = network::settings_from_json(part, "settings").value_or(Settings{});
    fmt::print("{} {}: {}\n", title, text_of(part, "name"), settings_text(settings));
  }
}

void print_dhcp(const Json& servers) {
  for (const Json& server : servers) {
    fmt::print("\ndhcp in VLAN {}: {}, gives {}\n", number_of(server, "vlan"), text_of(server, "address"),
               text_of(server, "range"));
    if (server["leases"].empty()) continue;
    TextTable table({"  ADDRESS", "MAC", "NAME"});
    for (const Json& lease : server["leases"]) {
      table.add({"  " + text_of(lease, "address"), text_of(lease, "mac"), text_of(lease, "host_name")});
    }
    fmt::print("{}", table.text());
  }
}

Result<Json> ask(const std::string& name, const char* request) {
  return network::ask_network(name, {{"request", request}});
}

/// With the present count of ports, or without where the network does not answer.
Json network_json(const std::string& name) {
  Json json = {{"name", name}, {"state", "stopped"}, {"pid", nullptr}, {"ports", 0}};
  const auto folders = network::find_network(name);
  if (!folders) return json;
  if (const auto saved = network::saved_configuration(*folders)) {
    json["ports"] = saved->parts(PartKind::port).size();
  } else {
    json["state"] = "damaged";
  }
  if (const auto process = network::running_process(*folders)) {
    json["state"] = "running";
    json["pid"] = *process;
  }
  return json;
}

std::string drops_text(const Json& drops) {
  std::string text;
  for (const auto& [reason, count] : drops.items()) {
    if (!text.empty()) text += ", ";
    text += fmt::format("{} {}", reason, count.dump());
  }
  return text.empty() ? "-" : text;
}

std::vector<std::string> traffic_columns(const Json& json) {
  return {number_of(json["received"], "frames"), number_of(json["received"], "bytes"),
          number_of(json["transmitted"], "frames"), number_of(json["transmitted"], "bytes")};
}

}  // namespace

Result<void> list_networks(bool json) {
  Json list = Json::array();
  for (const std::string& name : STRATA_TRY(network::network_names())) list.push_back(network_json(name));
  if (json) {
    print_json(list);
    return {};
  }
  TextTable table({"NETWORK", "STATE", "PROCESS", "PORTS"});
  for (const Json& each : list) {
    table.add({text_of(each, "name"), text_of(each, "state"),
               each["pid"].is_null() ? "-" : std::to_string(each["pid"].get<int>()), number_of(each, "ports")});
  }
  fmt::print("{}", table.text());
  return {};
}

Result<void> show_network(const std::string& name, bool json) {
  const auto folders = STRATA_TRY(network::find_network(name));
  if (!network::running_process(folders)) {
    const Json stopped = network_json(name);
    if (json) return print_json(stopped), Result<void>{};
    fmt::print("network {}: does not run; strata network start {} starts it\n", name, name);
    return {};
  }
  Json status = STRATA_TRY(ask(name, "show"));
  if (json) return print_json(status), Result<void>{};
  fmt::print("network {}: runs since {} s as process {}, log {}\n\n", name, number_of(status, "uptime_seconds"),
             number_of(status, "pid"), text_of(status, "log"));
  fmt::print("{}", port_table(status["ports"]));
  if (const Json& tree = status["spanning_tree"]; tree.is_object()) {
    fmt::print("\nspanning tree: this switch is {}, the root is {}\n", text_of(tree, "bridge"), text_of(tree, "root"));
  }
  for (const Json& group : status["multicast"]) {
    std::vector<std::string> ports;
    for (const Json& port : group["ports"]) ports.push_back(port.is_string() ? port.get<std::string>() : "");
    fmt::print("multicast {} in VLAN {}: {}\n", text_of(group, "group"), number_of(group, "vlan"),
               fmt::join(ports, ", "));
  }
  if (!status["mirrors"].empty() || !status["acl"].empty()) fmt::print("\n");
  print_parts(status["mirrors"], "mirror");
  print_parts(status["acl"], "acl");
  print_dhcp(status["dhcp"]);
  return {};
}

Result<void> list_ports(const std::string& name, bool json) {
  const Json ports = STRATA_TRY(ask(name, "ports"));
  if (json) {
    print_json(ports);
  } else {
    fmt::print("{}", port_table(ports));
  }
  return {};
}

Result<void> list_parts(const std::string& name, PartKind kind, bool json) {
  const auto folders = STRATA_TRY(network::find_network(name));
  const auto saved = STRATA_TRY(network::saved_configuration(folders));  // on the disk before it holds
  Json list = Json::array();
  for (const auto& [part, settings] : saved.parts(kind)) {
    list.push_back({{"name", part}, {"settings", network::settings_to_json(settings)}});
  }
  if (json) return print_json(list), Result<void>{};
  TextTable table({"NAME", "SETTINGS"});
  for (const auto& [part, settings] : saved.parts(kind)) table.add({part, settings_text(settings)});
  fmt::print("{}", table.text());
  return {};
}

Result<void> list_stations(const std::string& name, bool json) {
  const Json stations = STRATA_TRY(ask(name, "fdb"));
  if (json) return print_json(stations), Result<void>{};
  TextTable table({"VLAN", "ADDRESS", "PORT", "AGE"});
  for (const Json& each : stations) {
    const bool is_static = network::flag_field(each, "static");
    table.add({number_of(each, "vlan"), text_of(each, "address"), text_of(each, "port"),
               is_static ? "static" : number_of(each, "age_seconds") + " s"});
  }
  fmt::print("{}", table.text());
  return {};
}

Result<void> flush_stations(const std::string& name, uint16_t vlan, const std::string& port) {
  return network::ask_network(name, {{"request", "fdb-flush"}, {"vlan", vlan}, {"port", port}}).map([](const Json&) {});
}

Result<void> edit_station(const std::string& name, const StationEdit& edit) {
  const auto folders = STRATA_TRY(network::find_network(name));
  const auto saved = STRATA_TRY(network::saved_configuration(folders));
  const auto& ports = saved.parts(PartKind::port);
  const auto port = ports.find(edit.port);
  if (port == ports.end()) return fail(ErrorCode::not_found, "network {} has no port '{}'", name, edit.port);
  std::vector<std::string> stations = port->second.list("static");
  const std::string station = fmt::format("{}/{}", edit.vlan, edit.address);
  if (edit.remove) {
    if (std::erase(stations, station) == 0) {
      return fail(ErrorCode::not_found, "port {} has no static station {}", edit.port, station);
    }
  } else {
    stations.push_back(station);
  }
  Settings settings;
  settings.set("static", std::move(stations));
  return edit_network(name, {{Edit::Action::set, PartKind::port, edit.port, std::move(settings)}});
}

Result<void> show_counters(const std::string& name, bool json) {
  const Json counters = STRATA_TRY(ask(name, "stats"));
  if (json) return print_json(counters), Result<void>{};
  TextTable ports({"PORT", "RX FRAMES", "RX BYTES", "TX FRAMES", "TX BYTES", "DROPPED"});
  for (const Json& port : counters["ports"]) {
    auto row = traffic_columns(port);
    row.insert(row.begin(), text_of(port, "name"));
    row.push_back(drops_text(port["dropped"]));
    ports.add(std::move(row));
  }
  TextTable vlans({"VLAN", "RX FRAMES", "RX BYTES", "TX FRAMES", "TX BYTES"});
  for (const Json& vlan : counters["vlans"]) {
    auto row = traffic_columns(vlan);
    row.insert(row.begin(), number_of(vlan, "vlan"));
    vlans.add(std::move(row));
  }
  fmt::print("{}\n{}", ports.text(), vlans.text());
  return {};
}

}  // namespace strata::control
