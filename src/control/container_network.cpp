// The words of --net as cards of a network process, and what is asked of that process.
#include "control/container_network.h"

#include <sys/stat.h>

#include <algorithm>
#include <fstream>

#include "base/user_folders.h"
#include "network/container/name_files.h"
#include "network/container/network.h"
#include "network/switch/control_client.h"
#include "network/switch/plan.h"

namespace strata::control {
namespace {

using network::Forward;
using Kind = NetChoice::Kind;

constexpr size_t most_cards = 8;

std::filesystem::path control_socket(const ContainerNetworkPlace& place) { return place.folder / "network"; }

Result<std::vector<Forward>> parse_forwards(const NetChoice& net) {
  std::vector<Forward> forwards;
  for (const std::string& text : net.forwards) {
    const Forward forward = STRATA_TRY(network::parse_forward(text));
    if (std::find(forwards.begin(), forwards.end(), forward) != forwards.end())
      return fail(ErrorCode::usage, "forward={} is given twice", text);
    forwards.push_back(forward);
  }
  return forwards;
}

Result<void> check_card(const NetChoice& net) {
  if (net.kind == Kind::user) return parse_forwards(net).map([](const auto&) {});
  return with_context(network::make_port_plan(net.port.empty() ? "container" : net.port, net.settings), "--net {}",
                      net.network)
      .map([](const auto&) {});
}

/// A port's name is shorter than a container's may be, and has fewer kinds of characters.
std::string port_name_of(std::string_view container) {
  std::string name(container.substr(0, 32));
  for (char& c : name) {
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '_' && c != '.') c = '-';
  }
  if (name.empty() || !std::isalnum(static_cast<unsigned char>(name[0]))) name.insert(0, "c");
  return name.substr(0, 32);
}

Result<network::container::CardOptions> card_options(const NetChoice& net, const ContainerNetworkPlace& place,
                                                     size_t number) {
  network::container::CardOptions card;
  card.interface = fmt::format("eth{}", number);
  card.mac = net.mac.value_or(mac_of(fmt::format("{}/{}", place.folder.string(), card.interface)));
  if (net.kind == Kind::user) {
    card.kind = network::container::UserCardOptions{STRATA_TRY(parse_forwards(net))};
  } else {
    card.kind = network::container::SwitchCardOptions{.network = net.network,
                                                      .port = net.port.empty() ? port_name_of(place.name) : net.port,
                                                      .settings = net.settings,
                                                      .dhcp = net.dhcp,
                                                      .address = net.address};
  }
  return card;
}

/// In place, for a mount may be on it. Readable by whoever runs in the container.
Result<void> write_file(const std::filesystem::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::trunc);
  file << text;
  file.close();
  if (!file || chmod(path.c_str(), 0644) != 0) return fail_errno("writing {}", path.string());
  return {};
}

}  // namespace

Result<ContainerNet> parse_container_net(std::span<const std::string> texts) {
  ContainerNet net;
  if (texts.empty()) net.cards.push_back({.kind = Kind::user});
  for (const std::string& text : texts) {
    NetChoice choice = STRATA_TRY(parse_net(text, NetOwner::container));
    const bool is_card = choice.kind == Kind::user || choice.kind == Kind::network;
    if (!is_card && texts.size() > 1)
      return fail(ErrorCode::usage, "--net {} does not go together with another --net", text);
    if (choice.kind == Kind::host) net.own_space = false;
    if (!is_card) continue;
    STRATA_TRY(check_card(choice));
    const bool second_user =
        choice.kind == Kind::user &&
        std::any_of(net.cards.begin(), net.cards.end(), [](auto& each) { return each.kind == Kind::user; });
    if (second_user) {
      return fail(ErrorCode::usage,
                  "--net user is given twice; one card takes any number of forward=tcp:HOSTPORT:PORT");
    }
    net.cards.push_back(std::move(choice));
  }
  if (net.cards.size() > most_cards) return fail(ErrorCode::usage, "a container has {} cards at most", most_cards);
  return net;
}

Result<void> prepare_network_files(const ContainerNet& net, const ContainerNetworkPlace& place) {
  if (!net.own_space) {
    // The host's own, as they are now.
    STRATA_TRY(write_file(place.resolv_conf(), read_whole_file("/etc/resolv.conf").value_or("")));
    return write_file(place.hosts(), read_whole_file("/etc/hosts").value_or("127.0.0.1\tlocalhost\n"));
  }
  STRATA_TRY(write_file(place.resolv_conf(), network::container::resolv_conf_text({})));
  return write_file(place.hosts(), network::container::hosts_text(place.name, {}));
}

Result<void> start_container_network(const ContainerNet& net, const ContainerNetworkPlace& place, pid_t pid) {
  if (!net.own_space) return {};
  network::container::NetworkOptions options = {.host_name = place.name,
                                                .container = pid,
                                                .control_socket = control_socket(place),
                                                .log = place.folder / "network.log",
                                                .resolv_conf = place.resolv_conf(),
                                                .hosts = place.hosts(),
                                                .cards = {}};
  for (const NetChoice& each : net.cards)
    options.cards.push_back(STRATA_TRY(card_options(each, place, options.cards.size())));
  return network::container::start_network(options);
}

Result<void> stop_container_network(const ContainerNetworkPlace& place) {
  return network::container::stop_network(control_socket(place));
}

Result<void> change_forwards(const ContainerNetworkPlace& place, std::span<const std::string> changes) {
  auto done = network::container::ask_for_forwards(control_socket(place), changes);
  if (!done && done.error().code == ErrorCode::not_found && done.error().message.ends_with("does not run"))
    return fail(ErrorCode::failed, "container {} has no network of its own that runs", place.name);
  return done;
}

Result<std::vector<std::string>> with_forward_changes(std::span<const std::string> texts,
                                                      std::span<const std::string> changes) {
  std::vector<std::string> result(texts.begin(), texts.end());
  if (result.empty()) result.emplace_back("user");
  for (std::string& text : result) {
    const NetChoice net = STRATA_TRY(parse_net(text, NetOwner::container));
    if (net.kind != Kind::user) continue;
    auto forwards = STRATA_TRY(parse_forwards(net));
    for (const std::string& change : changes) STRATA_TRY(network::change_forward(forwards, change));
    text = "user";
    for (const Forward& each : forwards) text += ",forward=" + to_string(each);
    return result;
  }
  return fail(ErrorCode::usage, "no ports of the host lead into this container: it has no card of --net user");
}

Result<std::vector<CardState>> container_cards(const ContainerNetworkPlace& place) {
  const auto cards = network::container::ask_cards(control_socket(place));
  if (!cards && cards.error().code == ErrorCode::not_found) return std::vector<CardState>{};
  if (!cards) return tl::unexpected<Error>(cards.error());
  std::vector<CardState> states;
  for (const auto& card : *cards) {
    CardState state = {.interface = network::text_field_or(card, "interface", ""),
                       .kind = network::text_field_or(card, "kind", ""),
                       .port = network::text_field_or(card, "port", ""),
                       .mac = network::text_field_or(card, "mac", ""),
                       .address = network::text_field_or(card, "address", ""),
                       .forwards = {}};
    const auto forwards = card.find("forwards");
    if (forwards != card.end()) state.forwards = forwards->get<std::vector<std::string>>();
    states.push_back(std::move(state));
  }
  return states;
}

}  // namespace strata::control
