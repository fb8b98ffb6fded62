// strata container-net: a container's network, for the programs that start containers; hidden from the help.
#include <memory>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "control/container_network.h"

namespace strata::cli {
namespace {

struct ContainerNetWords {
  control::ContainerNetworkPlace place;
  int pid = 0;
  std::vector<std::string> nets, changes;
};

using Words = std::shared_ptr<ContainerNetWords>;

CLI::App* add_verb(CLI::App& command, const char* verb, const char* help, const Words& words) {
  CLI::App* added = command.add_subcommand(verb, help);
  added->add_option("NAME", words->place.name, "the container's name")->required();
  added->add_option("FOLDER", words->place.folder, "where its network's files are")->required();
  return added;
}

void add_net(CLI::App& verb, const Words& words) {
  verb.add_option("--net", words->nets, "as of strata run")->allow_extra_args(false);
}

Result<int> show_cards(const control::ContainerNetworkPlace& place) {
  for (const control::CardState& card : STRATA_TRY(control::container_cards(place))) {
    fmt::print("{} {} {} {} {} {}\n", card.interface, card.kind, card.port.empty() ? "-" : card.port, card.mac,
               card.address.empty() ? "-" : card.address,
               card.forwards.empty() ? "-" : fmt::format("{}", fmt::join(card.forwards, ",")));
  }
  return 0;
}

}  // namespace

void add_container_net_commands(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("container-net", "A container's network")->group("");
  command->require_subcommand(1);
  const auto words = std::make_shared<ContainerNetWords>();
  CLI::App* prepare =
      add_verb(*command, "prepare", "Before the container is created: its resolv.conf and hosts", words);
  add_net(*prepare, words);
  prepare->callback([words, &action] {
    action = [words]() -> Result<int> {
      const auto net = STRATA_TRY(control::parse_container_net(words->nets));
      return done(control::prepare_network_files(net, words->place));
    };
  });
  CLI::App* start = add_verb(*command, "start", "Between create and start: interfaces and addresses", words);
  start->add_option("PID", words->pid, "the container's first process")->required();
  add_net(*start, words);
  start->callback([words, &action] {
    action = [words]() -> Result<int> {
      const auto net = STRATA_TRY(control::parse_container_net(words->nets));
      return done(control::start_container_network(net, words->place, words->pid));
    };
  });
  CLI::App* stop = add_verb(*command, "stop", "Ends it", words);
  stop->callback(
      [words, &action] { action = [words] { return done(control::stop_container_network(words->place)); }; });
  CLI::App* show = add_verb(*command, "show", "The cards", words);
  show->callback([words, &action] { action = [words] { return show_cards(words->place); }; });
  CLI::App* forward = add_verb(*command, "forward", "Changes ports of the host that lead in", words);
  forward->add_option("--forward", words->changes, "+tcp:8443:443 or -tcp:8443")->required()->allow_extra_args(false);
  forward->callback(
      [words, &action] { action = [words] { return done(control::change_forwards(words->place, words->changes)); }; });
}

}  // namespace strata::cli
