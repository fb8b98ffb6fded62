// Changing a network that runs, all or nothing, and keeping its cables in.
#include "network/switch/switch.h"

#include <fstream>
#include <random>

#include "base/log.h"
#include "base/user_folders.h"
#include "network/ports/namespace.h"
#include "network/switch/cable.h"
#include "network/switch/process.h"

namespace strata::network {
namespace {

constexpr std::chrono::seconds retry_interval{1};

/// Users' ports have no ':' in their names.
std::string service_port_name(bridge::Vid vlan) { return fmt::format("dhcp:{}", vlan); }

/// A locally administered one that this network keeps: in the spanning tree, switches are told apart by it.
Result<bridge::MacAddress> own_address(const NetworkFolders& folders) {
  const auto path = folders.data / "address";
  if (const auto text = read_whole_file(path)) {
    const auto saved = bridge::MacAddress::parse(text->substr(0, text->find('\n')));
    if (saved) return *saved;
  }
  std::random_device random;
  const bridge::MacAddress made(uint64_t{0x02} << 40 | uint64_t{random() & 0xffffff} << 16);
  STRATA_TRY(write_durably(path, to_string(made) + "\n"));
  return made;
}

bool same_place(const Attachment& a, const Attachment& b) {
  return a.kind == b.kind && a.netns == b.netns && a.name == b.name;
}

Settings settings_of(const Configuration& configuration, const std::string& port) {
  const Parts& parts = configuration.parts(PartKind::port);
  const auto found = parts.find(port);
  return found == parts.end() ? Settings{} : found->second;
}

/// The port as it is with its stations left out: two ports may swap theirs in one change.
bridge::PortConfig without_stations(bridge::PortConfig config) {
  config.static_entries.clear();
  return config;
}

}  // namespace

Switch::Switch(NetworkFolders folders, EventLoop& loop) : folders_(std::move(folders)), loop_(loop) {}

Result<std::unique_ptr<Switch>> Switch::make(const NetworkFolders& folders, EventLoop& loop) {
  const Configuration configuration = STRATA_TRY(saved_configuration(folders));
  std::unique_ptr<Switch> made(new Switch(folders, loop));
  STRATA_TRY(with_context(made->start(configuration), "{}", folders.configuration().string()));
  return made;
}

Result<void> Switch::start(const Configuration& configuration) {
  const Plan plan = STRATA_TRY(make_plan(configuration));
  address_ = STRATA_TRY(own_address(folders_));
  datapath_ = STRATA_TRY(Datapath::make({.address = address_, .hash_seed = std::random_device{}()}));
  control_ = std::make_unique<protocols::ControlPlane>(datapath_->bridge(), protocols::ControlOptions{},
                                                       address_.value(), Datapath::now());
  captures_ = std::make_unique<Captures>(*datapath_, loop_);
  datapath_->on_gone([this, alive = alive_](bridge::PortId id, const Error& error) {
    loop_.post([this, alive, id, reason = error.message] {
      if (*alive) cable_gone(id, reason);
    });
  });
  STRATA_TRY(datapath_->start());
  STRATA_TRY(rehearse(plan));
  Cables cables = STRATA_TRY(open_cables(plan, true));
  STRATA_TRY(become(configuration, plan, std::move(cables)));
  retry_.emplace(loop_, [this] { try_again(); });
  retry_->set_after(retry_interval);
  return {};
}

Switch::~Switch() {
  *alive_ = false;
  if (datapath_) datapath_->stop();
  control_.reset();  // before the bridge, which it speaks for
}

Result<Changes> Switch::change(const Configuration& next, bool dry_run) {
  const Plan plan = STRATA_TRY(make_plan(next));
  Changes changes{difference(configuration_, next), revision_};
  STRATA_TRY(rehearse(plan));
  if (dry_run || changes.lines.empty()) return changes;
  auto cables = open_cables(plan, false);
  if (!cables) {
    try_again();  // those that had to make room
    return tl::unexpected<Error>(std::move(cables).error());
  }
  // A full disk shows here. To wait until the disk has it would make each change tens of milliseconds late.
  auto file = STRATA_TRY(StagedFile::write(folders_.configuration(), to_toml(next)));
  STRATA_TRY(become(next, plan, std::move(*cables)));
  changes.revision = ++revision_;
  for (const std::string& line : changes.lines) log::info("{}", line);
  STRATA_TRY(with_context(file.publish(), "network {} has changed, but will not be so after a restart", folders_.name));
  return changes;
}

Result<Changes> Switch::edit(const std::vector<Edit>& edits, bool dry_run) {
  if (edits.size() == 1 && edits[0].kind == PartKind::port && is_machine(edits[0].name)) {
    return edit_machine(edits[0], dry_run);
  }
  Configuration next = configuration_;
  for (const Edit& each : edits) STRATA_TRY(apply_edit(next, each));
  return change(next, dry_run);
}

/// Does it all in a bridge that nothing leads to: what goes well there goes well in ours.
Result<void> Switch::rehearse(const Plan& next) const {
  bridge::FramePool pool;
  const auto rehearsal = STRATA_TRY(bridge::Bridge::make(pool, next.bridge));
  for (const PortPlan& port : next.ports) STRATA_TRY(rehearsal->add_port(port.config, {}));
  for (const auto& [name, port] : ports_) {
    if (port.machine) STRATA_TRY(rehearsal->add_port(port.plan.config, {}));
  }
  for (const DhcpPlan& dhcp : next.dhcp) {
    STRATA_TRY(rehearsal->add_port(bridge::access_port(service_port_name(dhcp.vlan), dhcp.vlan), {}));
  }
  return {};
}

/// The port whose cable lies at this place now and goes away with the change, if there is one.
LivePort* Switch::leaves_place(const Plan& next, const Attachment& place) {
  for (auto& [name, port] : ports_) {
    const PortPlan* const after = next.find_port(name);
    const bool stays = port.machine || (after && after->attachment == port.plan.attachment);
    if (!stays && same_place(port.plan.attachment, place)) return &port;
  }
  return nullptr;
}

Result<Switch::Cables> Switch::open_cables(const Plan& next, bool tolerant) {
  // Those that need a place which another cable must leave come last: nothing is pulled out for a change that fails.
  std::vector<const PortPlan*> first, last;
  for (const PortPlan& port : next.ports) {
    const auto live = ports_.find(port.config.name);
    const bool stays = live != ports_.end() && live->second.plan.attachment == port.attachment;
    if (stays || port.attachment.kind == Attachment::Kind::unplugged) continue;
    (leaves_place(next, port.attachment) ? last : first).push_back(&port);
  }
  for (const PortPlan* port : last) first.push_back(port);
  Cables cables;
  for (const PortPlan* port : first) {
    if (LivePort* leaving = leaves_place(next, port->attachment)) {
      datapath_->call([&] { datapath_->pull_out(leaving->id); });
      leaving->reason = "its cable is being changed";
    }
    auto cable = open_cable(*port, loop_);
    if (!cable && !tolerant) return tl::unexpected<Error>(std::move(cable).error());
    if (cable) {
      cables.opened[port->config.name] = std::move(*cable);
    } else {
      log::warn("{}", cable.error().message);
      cables.reasons[port->config.name] = cable.error().message;
    }
  }
  return cables;
}

Result<void> Switch::become(const Configuration& configuration, const Plan& next, Cables cables) {
  auto done = datapath_->call([&] {
    auto committed = commit(configuration, next, cables);
    cables.opened.clear();  // what is left has frames of the datapath's memory
    return committed;
  });
  configuration_ = configuration;
  plan_ = next;
  return with_context(std::move(done), "after the check, which is a bug of ours");
}

Result<void> Switch::commit(const Configuration& configuration, const Plan& next, Cables& cables) {
  bridge::Bridge& bridge = datapath_->bridge();
  STRATA_TRY(bridge.set_mirrors({}));
  for (auto each = ports_.begin(); each != ports_.end();) {
    if (each->second.machine || next.find_port(each->first)) {
      STRATA_TRY(bridge.reconfigure(each->second.id, without_stations(each->second.plan.config), Datapath::now()));
      ++each;
    } else {
      remove_port(each->second);
      each = ports_.erase(each);
    }
  }
  bridge::BridgeConfig config = next.bridge;
  config.address = address_;
  config.hash_seed = bridge.config().hash_seed;
  STRATA_TRY(bridge.reconfigure(config, Datapath::now()));
  commit_control(next);
  for (auto& [name, port] : ports_) {
    if (port.machine) STRATA_TRY(bridge.reconfigure(port.id, port.plan.config, Datapath::now()));
  }
  for (const PortPlan& port : next.ports) {
    STRATA_TRY(commit_port(port, settings_of(configuration, port.config.name), cables));
  }
  STRATA_TRY(commit_mirrors(next));
  return commit_services(next);
}

void Switch::commit_control(const Plan& next) {
  control_->configure(next.control, Datapath::now());
  datapath_->set_options({.poll = next.busy_poll});
}

Result<void> Switch::commit_port(const PortPlan& port, const Settings& settings, Cables& cables) {
  bridge::Bridge& bridge = datapath_->bridge();
  const std::string& name = port.config.name;
  const bool is_new = !ports_.contains(name);
  LivePort& live = ports_[name];
  if (is_new) {
    live.id = STRATA_TRY(bridge.add_port(port.config, Datapath::now()));
    bridge.set_up(live.id, false, Datapath::now());
  } else {
    STRATA_TRY(bridge.reconfigure(live.id, port.config, Datapath::now()));
  }
  control_->configure_port(live.id, port.control, Datapath::now());
  const bool cable_stays = !is_new && live.plan.attachment == port.attachment;
  live.plan = port;
  live.settings = settings;
  if (cable_stays) return {};
  live.reason = cables.reasons[name];
  live.space = ports::network_namespace_id(port.attachment.netns);
  datapath_->pull_out(live.id);
  const auto cable = cables.opened.find(name);
  return cable == cables.opened.end() ? Result<void>{} : datapath_->plug_in(live.id, std::move(cable->second));
}

Result<void> Switch::commit_mirrors(const Plan& next) {
  std::vector<bridge::Mirror> mirrors;
  for (const MirrorPlan& plan : next.mirrors) {
    bridge::Mirror mirror{.name = plan.name, .destination = ports_.at(plan.to).id};
    for (const std::string& port : plan.ports) {
      if (plan.in) mirror.ingress.add(ports_.at(port).id);
      if (plan.out) mirror.egress.add(ports_.at(port).id);
    }
    mirrors.push_back(std::move(mirror));
  }
  return datapath_->bridge().set_mirrors(mirrors);
}

Result<void> Switch::commit_services(const Plan& next) {
  const auto stays = [&](const Service& service) {
    return std::find(next.dhcp.begin(), next.dhcp.end(), service.plan) != next.dhcp.end();
  };
  for (auto each = services_.begin(); each != services_.end();) {
    if (stays(each->second)) {
      ++each;
      continue;
    }
    datapath_->pull_out(each->second.id);
    datapath_->bridge().remove_port(each->second.id, Datapath::now());
    each = services_.erase(each);
  }
  for (const DhcpPlan& plan : next.dhcp) {
    if (!services_.contains(plan.vlan)) STRATA_TRY(add_service(plan));
  }
  return {};
}

Result<void> Switch::add_service(const DhcpPlan& plan) {
  const std::string name = service_port_name(plan.vlan);
  const auto leases = read_whole_file(folders_.leases() / std::to_string(plan.vlan)).value_or("");
  auto save = [this, alive = alive_, vlan = plan.vlan](std::string text) {
    loop_.post([this, alive, vlan, text = std::move(text)] {
      if (*alive) save_leases(vlan, text);
    });
  };
  auto cable = STRATA_TRY(VlanHostPort::open(name, bridge::MacAddress(address_.value() | plan.vlan), plan.options,
                                             leases, std::move(save)));
  const auto id = STRATA_TRY(datapath_->bridge().add_port(bridge::access_port(name, plan.vlan), Datapath::now()));
  control_->configure_port(id, {.rstp = {.admin_edge = true}}, Datapath::now());
  services_[plan.vlan] = {plan, id};
  return datapath_->plug_in(id, std::move(cable));
}

/// Not durable: a lease that is lost with the power is asked for again by its client, which gets the same address.
void Switch::save_leases(bridge::Vid vlan, const std::string& leases) {
  if (!make_private_folder(folders_.leases())) return;
  const std::string path = folders_.leases() / std::to_string(vlan), temporary = path + ".new";
  std::ofstream file(temporary);
  file << leases;
  file.close();
  std::error_code error;
  if (file) std::filesystem::rename(temporary, path, error);
  if (!file || error) log::warn("the leases of VLAN {} could not be written to {}", vlan, path);
}

void Switch::remove_port(LivePort& port) {
  datapath_->pull_out(port.id);
  datapath_->bridge().remove_port(port.id, Datapath::now());
}

/// On the loop's thread; meanwhile the port may have got another cable, or be another port.
void Switch::cable_gone(bridge::PortId id, const std::string& reason) {
  for (auto& [name, port] : ports_) {
    if (port.id != id || datapath_->call([&] { return datapath_->port(id) != nullptr; })) continue;
    if (port.machine) return remove_machine_port(std::string(name));
    log::warn("{}", reason);
    port.reason = reason;
    return;
  }
}

/// A TAP keeps the namespace alive that it is in, so that nothing tells us when its owner has removed that.
void Switch::look_after_namespaces() {
  for (auto& [name, port] : ports_) {
    const Attachment& where = port.plan.attachment;
    if (where.kind != Attachment::Kind::netns || !port.reason.empty()) continue;
    if (ports::network_namespace_id(where.netns) == port.space) continue;
    datapath_->call([&, id = port.id] { datapath_->pull_out(id); });
    port.reason = fmt::format("port {}: network namespace {} is gone", name, where.netns);
    log::warn("{}", port.reason);
  }
}

void Switch::try_again() {
  if (retry_) retry_->set_after(retry_interval);
  look_after_namespaces();
  for (auto& [name, port] : ports_) {
    if (port.reason.empty() || port.machine) continue;
    auto cable = open_cable(port.plan, loop_);
    if (!cable) {
      port.reason = cable.error().message;
      continue;
    }
    port.space = ports::network_namespace_id(port.plan.attachment.netns);
    const auto plugged = datapath_->call([&, id = port.id] { return datapath_->plug_in(id, std::move(*cable)); });
    port.reason = plugged ? "" : plugged.error().message;
    if (plugged) log::info("port {}: its cable is back", name);
  }
}

}  // namespace strata::network
