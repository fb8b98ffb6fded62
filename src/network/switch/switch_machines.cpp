// Ports of machines that run: in no configuration, there as long as the machine is connected.
#include <sys/socket.h>

#include "base/log.h"
#include "network/ports/stream.h"
#include "network/ports/tap.h"
#include "network/switch/switch.h"

namespace strata::network {
namespace {

/// A machine is no switch, mostly, and never one that is trusted: it cannot become the root of the tree, nor have the
/// others forget their stations. Unless the user says otherwise.
void give_machine_defaults(PortPlan& plan, const Settings& settings) {
  protocols::RstpPortOptions& rstp = plan.control.rstp;
  if (!settings.has("edge")) rstp.admin_edge = true;
  if (!settings.has("root-guard")) rstp.restricted_role = true;
  if (!settings.has("tcn-guard")) rstp.restricted_tcn = true;
}

}  // namespace

bool Switch::is_machine(std::string_view port) const {
  const auto found = ports_.find(port);
  return found != ports_.end() && found->second.machine;
}

/// An address that somebody else has, or could get, would only show as trouble later.
Result<void> Switch::check_address(const PortPlan& port, const services::Ipv4Network& address) const {
  const bridge::Vid vlan = port.config.pvid;
  const std::string text = ipv4_text(address);
  for (const auto& [name, other] : ports_) {
    if (other.address && other.address->address == address.address && other.plan.config.pvid == vlan)
      return fail(ErrorCode::busy, "address {} is port {}'s already", text, name);
  }
  const auto service = services_.find(vlan);
  if (service == services_.end()) return {};
  const services::DhcpOptions& dhcp = service->second.plan.options;
  if (!dhcp.server.contains(address.address) || dhcp.server.prefix != address.prefix) {
    return fail(ErrorCode::usage, "address {} is outside of VLAN {}'s network {}/{}", text, vlan,
                services::ipv4_text(dhcp.server.first()), dhcp.server.prefix);
  }
  if (address.address == dhcp.server.address || address.address == dhcp.server.first() ||
      address.address == dhcp.server.last()) {
    return fail(ErrorCode::usage, "address {} is not free in VLAN {}: it is the switch's own, or stands for all", text,
                vlan);
  }
  if (dhcp.range.contains(address.address)) {
    return fail(ErrorCode::usage, "address {} is among those that DHCP gives to others in VLAN {} ({})", text, vlan,
                ipv4_text(dhcp.range));
  }
  return {};
}

Result<std::string> Switch::add_machine_port(std::string_view machine, const Settings& settings,
                                             const std::optional<services::Ipv4Network>& address) {
  STRATA_TRY(check_name("machine", machine));
  std::string name(machine);
  for (int number = 2; ports_.contains(name); ++number) name = fmt::format("{}-{}", machine, number);
  LivePort port;
  port.plan = STRATA_TRY(make_port_plan(name, settings));
  port.settings = settings;
  port.machine = true;
  port.address = address;
  if (address) STRATA_TRY(with_context(check_address(port.plan, *address), "port {}", name));
  give_machine_defaults(port.plan, settings);
  if (port.plan.attachment != Attachment{}) {
    return fail(ErrorCode::usage, "port {}: a machine's cable leads to the machine", name);
  }
  STRATA_TRY(bridge::validate(port.plan.config));
  port.id = STRATA_TRY(datapath_->call([&] {
    auto id = datapath_->bridge().add_port(port.plan.config, Datapath::now());
    if (!id) return id;
    datapath_->bridge().set_up(*id, false, Datapath::now());
    control_->configure_port(*id, port.plan.control, Datapath::now());
    return id;
  }));
  ports_.emplace(name, std::move(port));
  return name;
}

Result<void> Switch::plug_machine(const std::string& name, UniqueFd socket, bool offloads) {
  const auto port = ports_.find(name);
  if (port == ports_.end()) return fail("port {} is gone", name);
  log::info("port {}: a machine is here", name);
  auto cable = STRATA_TRY(ports::StreamPort::adopt(name, std::move(socket), "machine " + name, offloads));
  return datapath_->call([&, id = port->second.id] { return datapath_->plug_in(id, std::move(cable)); });
}

Result<void> Switch::plug_tap(const std::string& name, UniqueFd tap) {
  const auto port = ports_.find(name);
  if (port == ports_.end() || !tap) return fail(ErrorCode::bad_data, "port {}: no TAP came with the request", name);
  auto cable = STRATA_TRY(ports::TapPort::adopt(name, std::move(tap), "a container"));
  log::info("port {}: a container is here", name);
  return datapath_->call([&, id = port->second.id] { return datapath_->plug_in(id, std::move(cable)); });
}

void Switch::live_with(const std::string& name, UniqueFd connection) {
  const auto port = ports_.find(name);
  if (port == ports_.end()) return;
  LivePort& live = port->second;
  live.owner = std::move(connection);
  // Not from inside of the watch's callback, which goes with the port.
  const auto ended = [this, alive = alive_, name, id = live.id] {
    loop_.post([this, alive, name, id] {
      const auto found = *alive ? ports_.find(name) : ports_.end();
      if (*alive && found != ports_.end() && found->second.id == id) remove_machine_port(name);
    });
  };
  auto watch = FdWatch::make(loop_, live.owner.get(), FdWatch::For::reading, ended);
  if (!watch) return remove_machine_port(name);
  live.owner_watch = std::move(*watch);
}

Json Switch::attachment_json(const std::string& name) const {
  const bridge::PortConfig& config = ports_.find(name)->second.plan.config;
  Json told = {{"port", name}, {"mtu", config.mtu}};
  const auto service = services_.find(config.pvid);
  if (service == services_.end()) return told;
  const services::DhcpOptions& dhcp = service->second.plan.options;
  Json name_servers = Json::array();
  for (const services::Ipv4 each : dhcp.name_servers) name_servers.push_back(services::ipv4_text(each));
  told["vlan"] = {{"id", config.pvid},
                  {"address", ipv4_text(dhcp.server)},
                  {"router", dhcp.router ? services::ipv4_text(dhcp.router) : ""},
                  {"dns", name_servers},
                  {"domain", dhcp.domain}};
  return told;
}

void Switch::remove_machine_port(const std::string& name) {
  const auto port = ports_.find(name);
  if (port == ports_.end() || !port->second.machine) return;
  log::info("port {}: the machine is gone", name);
  datapath_->call([&] { remove_port(port->second); });
  ports_.erase(port);
}

Result<Changes> Switch::edit_machine(const Edit& edit, bool dry_run) {
  LivePort& port = ports_.find(edit.name)->second;
  if (edit.action == Edit::Action::add) {
    return fail(ErrorCode::already_exists, "port {}: there is a machine's port of that name", edit.name);
  }
  if (edit.action == Edit::Action::remove) {
    if (!dry_run) remove_machine_port(edit.name);
    return Changes{{"- port " + edit.name}, revision_};
  }
  Configuration before, after;
  before.parts(PartKind::port)[edit.name] = after.parts(PartKind::port)[edit.name] = port.settings;
  STRATA_TRY(apply_edit(after, edit));
  const Settings& settings = after.parts(PartKind::port)[edit.name];
  PortPlan plan = STRATA_TRY(make_port_plan(edit.name, settings));
  give_machine_defaults(plan, settings);
  if (plan.attachment != Attachment{}) {
    return fail(ErrorCode::usage, "port {}: a machine's cable leads to the machine", edit.name);
  }
  STRATA_TRY(bridge::validate(plan.config));
  Changes changes{difference(before, after), revision_};
  if (dry_run) return changes;
  const bool moves = plan.config.pvid != port.plan.config.pvid;
  STRATA_TRY(datapath_->call([&]() -> Result<void> {
    control_->configure_port(port.id, plan.control, Datapath::now());
    return datapath_->bridge().reconfigure(port.id, plan.config, Datapath::now());
  }));
  port.plan = plan;
  port.settings = settings;
  // Its address is of the old VLAN; there is no link to go down and come up, by which a client of DHCP would notice.
  if (moves && port.owner) (void)send(port.owner.get(), "v", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
  return changes;
}

}  // namespace strata::network
