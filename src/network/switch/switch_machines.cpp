// Ports of machines that run: in no configuration, there as long as the machine is connected.
#include "base/log.h"
#include "network/ports/stream.h"
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

Result<std::string> Switch::add_machine_port(std::string_view machine, const Settings& settings) {
  STRATA_TRY(check_name("machine", machine));
  std::string name(machine);
  for (int number = 2; ports_.contains(name); ++number) name = fmt::format("{}-{}", machine, number);
  LivePort port{STRATA_TRY(make_port_plan(name, settings)), settings};
  port.machine = true;
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
  STRATA_TRY(datapath_->call([&]() -> Result<void> {
    control_->configure_port(port.id, plan.control, Datapath::now());
    return datapath_->bridge().reconfigure(port.id, plan.config, Datapath::now());
  }));
  port.plan = plan;
  port.settings = settings;
  return changes;
}

}  // namespace strata::network
