// strata port.
#include <memory>
#include <string>

#include "cli/commands.h"
#include "cli/setting_options.h"
#include "control/network_commands.h"

namespace strata::cli {
namespace {

using control::Edit;
using control::PartKind;

struct PortArguments {
  std::string network, port;
  SettingOptions options;
  bool json = false;
};

std::shared_ptr<PortArguments> add_names(CLI::App& command) {
  auto arguments = std::make_shared<PortArguments>();
  command.add_option("NETWORK", arguments->network, "as strata network list shows it")->required();
  command.add_option("PORT", arguments->port, "its name")->required();
  return arguments;
}

Result<int> edit(const PortArguments& arguments, Edit::Action what) {
  const Edit one{what, PartKind::port, arguments.port, arguments.options.given()};
  if (what == Edit::Action::set && one.settings.empty()) {
    return fail(ErrorCode::usage, "port {}: nothing to set (see strata port set --help)", arguments.port);
  }
  return done(control::edit_network(arguments.network, {one}));
}

}  // namespace

void add_port_commands(CLI::App& app, Action& action) {
  CLI::App* port = app.add_subcommand("port", "Ports of a network: add, set, remove, list");
  port->require_subcommand(1);

  CLI::App* add = port->add_subcommand("add", "Add a port: its VLANs, and where its cable leads");
  const auto added = add_names(*add);
  added->options.add_to(*add, PartKind::port);
  add->callback([added, &action] { action = [added] { return edit(*added, Edit::Action::add); }; });

  CLI::App* set = port->add_subcommand("set", "Change a port, also a machine's, while it runs");
  const auto changed = add_names(*set);
  changed->options.add_changes_to(*set, PartKind::port);
  set->callback([changed, &action] { action = [changed] { return edit(*changed, Edit::Action::set); }; });

  CLI::App* rm = port->add_subcommand("rm", "Remove a port");
  const auto removed = add_names(*rm);
  rm->callback([removed, &action] { action = [removed] { return edit(*removed, Edit::Action::remove); }; });

  CLI::App* list = port->add_subcommand("list", "List the ports of a network");
  const auto listed = std::make_shared<PortArguments>();
  list->add_option("NETWORK", listed->network, "as strata network list shows it")->required();
  list->add_flag("--json", listed->json, "as JSON");
  list->callback(
      [listed, &action] { action = [listed] { return done(control::list_ports(listed->network, listed->json)); }; });
}

}  // namespace strata::cli
