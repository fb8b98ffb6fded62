// strata network.
#include <memory>
#include <string>

#include "cli/commands.h"
#include "cli/setting_options.h"
#include "control/network_commands.h"

namespace strata::cli {
namespace {

using control::Edit;
using control::PartKind;

/// What most commands take; CLI11 keeps references into it.
struct Words {
  std::string network, name;
  bool json = false, flag = false;
  SettingOptions options;
};

std::shared_ptr<Words> add_network_name(CLI::App& command) {
  auto words = std::make_shared<Words>();
  command.add_option("NETWORK", words->network, "as strata network list shows it")->required();
  return words;
}

void act(CLI::App& command, Action& action, std::function<Result<void>()> work) {
  command.callback([&command, &action, work = std::move(work)] {
    if (!command.get_subcommands().empty()) return;  // it is the subcommand that is meant
    action = [work] { return done(work()); };
  });
}

void add_json(CLI::App& command, Words& words) { command.add_flag("--json", words.json, "as JSON"); }

void add_create(CLI::App& network, Action& action) {
  CLI::App* command = network.add_subcommand("create", "Make a network, and start it");
  struct Create {
    control::CreateRequest request;
    bool no_start = false;
    SettingOptions options;
  };
  auto create = std::make_shared<Create>();
  command->add_option("NAME", create->request.name, "1 to 32 letters, digits, '-', '_' and '.'")->required();
  command->add_option("--file", create->request.file, "with this configuration (TOML)")->type_name("FILE");
  command->add_flag("--no-start", create->no_start, "do not start it yet");
  create->options.add_to(*command, PartKind::options);
  act(*command, action, [create] {
    create->request.start = !create->no_start;
    create->request.options = create->options.given();
    return control::create_network(create->request);
  });
}

void add_life(CLI::App& network, Action& action) {
  CLI::App* start = network.add_subcommand("start", "Start a network, with the configuration that it had");
  auto started = add_network_name(*start);
  start->add_flag("--foreground", started->flag, "run it in this process, until Ctrl-C");
  act(*start, action, [started] { return control::start_network(started->network, started->flag); });

  CLI::App* stop = network.add_subcommand("stop", "Stop a network; its configuration stays");
  auto stopped = add_network_name(*stop);
  stop->add_flag("--kill", stopped->flag, "do not ask it: for one that does not answer");
  act(*stop, action, [stopped] { return control::stop_network(stopped->network, stopped->flag); });

  CLI::App* rm = network.add_subcommand("rm", "Remove a network");
  auto removed = add_network_name(*rm);
  rm->add_flag("--force", removed->flag, "stop it first, if it runs");
  act(*rm, action, [removed] { return control::remove_network(removed->network, removed->flag); });

  CLI::App* set = network.add_subcommand("set", "Change settings of the network itself while it runs");
  auto changed = add_network_name(*set);
  changed->options.add_changes_to(*set, PartKind::options);
  act(*set, action, [changed] {
    const Edit edit{Edit::Action::set, PartKind::options, "switch", changed->options.given()};
    return control::edit_network(changed->network, {edit});
  });
}

void add_reports(CLI::App& network, Action& action) {
  CLI::App* list = network.add_subcommand("list", "List the networks");
  auto listed = std::make_shared<Words>();
  add_json(*list, *listed);
  act(*list, action, [listed] { return control::list_networks(listed->json); });

  CLI::App* show = network.add_subcommand("show", "Ports, mirrors, access lists, leases");
  auto shown = add_network_name(*show);
  add_json(*show, *shown);
  act(*show, action, [shown] { return control::show_network(shown->network, shown->json); });

  CLI::App* stats = network.add_subcommand("stats", "Counters of ports and VLANs");
  auto counted = add_network_name(*stats);
  add_json(*stats, *counted);
  act(*stats, action, [counted] { return control::show_counters(counted->network, counted->json); });
}

void add_configuration(CLI::App& network, Action& action) {
  CLI::App* write = network.add_subcommand("export", "Print the whole configuration as TOML");
  auto written = add_network_name(*write);
  act(*write, action, [written] { return control::export_network(written->network); });

  CLI::App* apply = network.add_subcommand("apply", "Make a network what a file says: all of it, or nothing");
  auto request = std::make_shared<control::ApplyRequest>();
  apply->add_option("FILE", request->file, "TOML, as strata network export prints it")->required();
  apply->add_option("--network", request->network, "which network (named as the file)")->type_name("NETWORK");
  apply->add_flag("--dry-run", request->dry_run, "only show what would change");
  apply->add_flag("--yes", request->yes, "do not ask");
  act(*apply, action, [request] { return control::apply_network(*request); });
}

void add_stations(CLI::App& network, Action& action) {
  CLI::App* fdb = network.add_subcommand("fdb", "The stations that a network knows; flush, add, rm change them");
  auto words = add_network_name(*fdb);
  add_json(*fdb, *words);
  act(*fdb, action, [words] { return control::list_stations(words->network, words->json); });

  auto edit = std::make_shared<control::StationEdit>();
  CLI::App* flush = fdb->add_subcommand("flush", "Forget what was learnt");
  flush->add_option("--vlan", edit->vlan, "only of this VLAN")->type_name("VLAN")->check(CLI::Range(1, 4094));
  flush->add_option("--port", edit->port, "only behind this port")->type_name("PORT");
  act(*flush, action, [words, edit] { return control::flush_stations(words->network, edit->vlan, edit->port); });

  for (const bool remove : {false, true}) {
    CLI::App* command = remove ? fdb->add_subcommand("rm", "Remove a station that was added")
                               : fdb->add_subcommand("add", "Add a station that is always behind one port");
    auto station = std::make_shared<control::StationEdit>();
    station->remove = remove;
    command->add_option("MAC", station->address, "its address")->required();
    command->add_option("--vlan", station->vlan, "its VLAN")->type_name("VLAN")->required()->check(CLI::Range(1, 4094));
    command->add_option("--port", station->port, "its port")->type_name("PORT")->required();
    act(*command, action, [words, station] { return control::edit_station(words->network, *station); });
  }
}

/// strata network KIND NETWORK add|set|rm|list.
void add_parts(CLI::App& network, Action& action, PartKind kind, const char* name, const char* help) {
  CLI::App* noun = network.add_subcommand(name, help);
  noun->require_subcommand(1);
  auto words = add_network_name(*noun);

  CLI::App* list = noun->add_subcommand("list", "List them");
  add_json(*list, *words);
  act(*list, action, [words, kind] { return control::list_parts(words->network, kind, words->json); });

  constexpr std::tuple<const char*, const char*, Edit::Action> edits[] = {{"add", "Add one", Edit::Action::add},
                                                                          {"set", "Change one", Edit::Action::set},
                                                                          {"rm", "Remove one", Edit::Action::remove}};
  for (const auto& [verb, verb_help, what] : edits) {
    CLI::App* command = noun->add_subcommand(verb, verb_help);
    auto part = std::make_shared<Words>();
    command->add_option("NAME", part->name, "its name")->required();
    if (what == Edit::Action::add) part->options.add_to(*command, kind);
    if (what == Edit::Action::set) part->options.add_changes_to(*command, kind);
    act(*command, action, [words, part, kind, what = what] {
      return control::edit_network(words->network, {{what, kind, part->name, part->options.given()}});
    });
  }
}

void add_services(CLI::App& network, Action& action) {
  CLI::App* dhcp = network.add_subcommand("dhcp", "Addresses and names for the stations of a VLAN");
  auto dhcp_words = add_network_name(*dhcp);
  dhcp->add_option("SPEC", dhcp_words->name,
                   "vlan=10,range=10.0.10.100-10.0.10.199[,address=10.0.10.1/24][,router=ADDRESS][,dns=ADDRESS]"
                   "[,domain=NAME][,lease=SECONDS][,host=MAC=ADDRESS=NAME], or vlan=10,off")
      ->required();
  act(*dhcp, action, [dhcp_words] { return control::edit_dhcp(dhcp_words->network, dhcp_words->name); });

  CLI::App* uplink = network.add_subcommand("uplink", "A way out of a VLAN: a port uplink-VLAN");
  auto uplink_words = add_network_name(*uplink);
  uplink->add_option("SPEC", uplink_words->name, "vlan=10,user[,forward=tcp:8080:80], or vlan=10,off")->required();
  act(*uplink, action, [uplink_words] { return control::edit_uplink(uplink_words->network, uplink_words->name); });
}

void add_capture(CLI::App& network, Action& action) {
  CLI::App* command = network.add_subcommand("capture", "Write the frames at a network's ports to a file (pcapng)");
  auto words = add_network_name(*command);
  auto request = std::make_shared<control::CaptureRequest>();
  command->add_option("-w,--write", request->file, "to this file; - is standard output")->type_name("FILE")->required();
  command->add_option("--port", request->port, "only at this port")->type_name("PORT");
  command->add_option("--vlan", request->vlan, "only of this VLAN")->type_name("VLAN")->check(CLI::Range(1, 4094));
  command->add_option("--snap-length", request->snap_length, "octets of each frame (all)")->type_name("OCTETS");
  command->add_option("--seconds", request->seconds, "for so long (until Ctrl-C)")->type_name("SECONDS");
  act(*command, action, [words, request] { return control::capture_network(words->network, *request); });
}

}  // namespace

void add_network_commands(CLI::App& app, Action& action) {
  CLI::App* network = app.add_subcommand("network", "Virtual networks: switches with VLANs");
  network->require_subcommand(1);
  add_create(*network, action);
  add_life(*network, action);
  add_reports(*network, action);
  add_configuration(*network, action);
  add_stations(*network, action);
  add_parts(*network, action, PartKind::mirror, "mirror", "Copies of ports' frames to another port");
  add_parts(*network, action, PartKind::acl, "acl", "Rules on which frames may pass, in the order of their names");
  add_services(*network, action);
  add_capture(*network, action);
}

}  // namespace strata::cli
