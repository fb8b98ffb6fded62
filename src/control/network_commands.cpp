// Networks: making, changing and ending them.
#include "control/network_commands.h"

#include <unistd.h>

#include <filesystem>
#include <iostream>

#include "base/user_folders.h"
#include "network/switch/control_client.h"
#include "network/switch/folders.h"
#include "network/switch/process.h"
#include "network/switch/settings_json.h"

namespace strata::control {
namespace {

using network::Changes;
using network::Configuration;
using network::Json;
using network::NetworkFolders;

Result<Changes> changes_of(Result<Json> answer) {
  if (!answer) return tl::unexpected<Error>(std::move(answer).error());
  Changes changes;
  changes.revision = network::number_field_or(*answer, "revision", 0);
  for (const Json& line : (*answer)["changes"]) {
    if (line.is_string()) changes.lines.push_back(line.get<std::string>());
  }
  return changes;
}

/// Makes it the file's, in the switch that runs or on the disk. `revision`: see Requests::apply; 0: whatever it is.
Result<Changes> apply(const NetworkFolders& folders, const ApplyRequest& request, const std::string& toml, bool dry_run,
                      uint64_t revision) {
  if (!network::running_process(folders)) {
    const auto next = [&](const Configuration&) { return network::parse_configuration(toml, request.file); };
    return network::change_stopped_network(folders, next, dry_run);
  }
  Json asked = {{"request", "apply"}, {"toml", toml}, {"source", request.file}, {"dry_run", dry_run}};
  if (revision) asked["revision"] = revision;
  return changes_of(network::ask_network(folders.name, std::move(asked)));
}

Result<bool> agrees(const ApplyRequest& request) {
  if (request.yes) return true;
  if (!isatty(STDIN_FILENO)) return fail(ErrorCode::usage, "nobody is here to ask: apply needs --yes or --dry-run");
  fmt::print(stderr, "Change network {}? [y/N] ", request.network);
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "yes";
}

Result<void> create_from_file(const NetworkFolders& folders, const ApplyRequest& request, const std::string& toml) {
  const Configuration configuration = STRATA_TRY(network::parse_configuration(toml, request.file));
  fmt::print("+ network {}\n", folders.name);
  for (const std::string& line : network::difference({}, configuration)) fmt::print("{}\n", line);
  std::fflush(stdout);
  if (request.dry_run || !STRATA_TRY(agrees(request))) return {};
  return create_network({.name = folders.name, .file = request.file});
}

/// "a=1,b,c=2" as settings of a kind. A part without '=' is a flag; a key may come again where it is a list.
Result<Settings> parse_spec(PartKind kind, const std::string& spec, std::string& vlan, bool& off) {
  Settings settings;
  std::string_view rest = spec;
  while (!rest.empty()) {
    const std::string_view part = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    const size_t equals = std::min(part.find('='), part.size());
    const std::string_view key = part.substr(0, equals);
    const std::string_view value = equals < part.size() ? part.substr(equals + 1) : "true";
    if (key == "vlan") {
      vlan = value;
    } else if (part == "off") {
      off = true;
    } else if (!network::find_setting(kind, key)) {
      return fail(ErrorCode::usage, "'{}': there is no '{}'", spec, key);
    } else {
      std::vector<std::string> values = settings.list(key);
      values.emplace_back(value);
      settings.set(key, std::move(values));
    }
  }
  if (vlan.empty()) return fail(ErrorCode::usage, "'{}' does not say vlan=N", spec);
  return settings;
}

/// One part is as the specification says, and as nothing else.
Result<void> replace_part(const std::string& name, PartKind kind, const std::string& part, const Settings& settings,
                          bool off) {
  if (off) return edit_network(name, {{Edit::Action::remove, kind, part, {}}});
  const NetworkFolders folders = STRATA_TRY(network::find_network(name));
  const Configuration saved = STRATA_TRY(network::saved_configuration(folders));
  std::vector<Edit> edits;
  if (saved.parts(kind).contains(part)) edits.push_back({Edit::Action::remove, kind, part, {}});
  edits.push_back({Edit::Action::add, kind, part, settings});
  return edit_network(name, edits);
}

}  // namespace

std::span<const SettingInfo> settings_of(PartKind kind) { return network::info_of(kind).settings; }

Result<void> create_network(const CreateRequest& request) {
  const NetworkFolders folders = STRATA_TRY(network::network_folders(request.name));
  std::string toml;
  if (!request.file.empty()) toml = STRATA_TRY(read_whole_file(request.file));
  Configuration configuration = STRATA_TRY(network::parse_configuration(toml, request.file));
  const Edit options{Edit::Action::set, PartKind::options, std::string(network::options_name), request.options};
  STRATA_TRY(network::apply_edit(configuration, options));
  STRATA_TRY(network::create_network(folders, network::to_toml(configuration), request.file));
  if (!request.start) return {};
  auto started = network::start_network(folders);
  if (!started) static_cast<void>(network::remove_network(folders));  // nothing half made stays
  return started;
}

Result<void> start_network(const std::string& name, bool foreground) {
  const NetworkFolders folders = STRATA_TRY(network::find_network(name));
  if (!foreground) return network::start_network(folders);
  return network::run_network(folders, [&] { fmt::print(stderr, "network {} runs\n", name); });
}

Result<void> stop_network(const std::string& name, bool kill) {
  return network::stop_network(STRATA_TRY(network::find_network(name)), kill);
}

Result<void> remove_network(const std::string& name, bool force) {
  const NetworkFolders folders = STRATA_TRY(network::find_network(name));
  if (network::running_process(folders)) {
    if (!force) {
      return fail(ErrorCode::busy, "network {0} runs; stop it first (strata network stop {0}), or add --force", name);
    }
    STRATA_TRY(network::stop_network(folders, false));
  }
  return network::remove_network(folders);
}

Result<void> export_network(const std::string& name) {
  const NetworkFolders folders = STRATA_TRY(network::find_network(name));
  if (!network::running_process(folders)) {
    fmt::print("{}", network::to_toml(STRATA_TRY(network::saved_configuration(folders))));
    return {};
  }
  const Json answer = STRATA_TRY(network::ask_network(name, {{"request", "export"}}));
  fmt::print("{}", answer.is_string() ? answer.get<std::string>() : "");
  return {};
}

Result<void> apply_network(const ApplyRequest& asked) {
  ApplyRequest request = asked;
  if (request.network.empty()) request.network = std::filesystem::path(request.file).stem();
  const std::string toml = STRATA_TRY(read_whole_file(request.file));
  const NetworkFolders folders = STRATA_TRY(network::network_folders(request.network));
  if (!folders.exist()) return create_from_file(folders, request, toml);
  const Changes planned = STRATA_TRY(apply(folders, request, toml, true, 0));
  for (const std::string& line : planned.lines) fmt::print("{}\n", line);
  std::fflush(stdout);
  if (planned.lines.empty()) fmt::print("network {} is so already\n", request.network);
  if (request.dry_run || planned.lines.empty() || !STRATA_TRY(agrees(request))) return {};
  return apply(folders, request, toml, false, planned.revision).map([](const Changes&) {});
}

Result<void> edit_network(const std::string& name, const std::vector<Edit>& edits) {
  const NetworkFolders folders = STRATA_TRY(network::find_network(name));
  if (!network::running_process(folders)) {
    const auto next = [&](const Configuration& present) -> Result<Configuration> {
      Configuration changed = present;
      for (const Edit& edit : edits) STRATA_TRY(network::apply_edit(changed, edit));
      return changed;
    };
    return network::change_stopped_network(folders, next, false).map([](const Changes&) {});
  }
  Json list = Json::array();
  for (const Edit& edit : edits) list.push_back(network::edit_to_json(edit));
  return network::ask_network(name, {{"request", "edit"}, {"edits", std::move(list)}}).map([](const Json&) {});
}

Result<void> edit_dhcp(const std::string& name, const std::string& spec) {
  std::string vlan;
  bool off = false;
  const Settings settings = STRATA_TRY(parse_spec(PartKind::dhcp, spec, vlan, off));
  return replace_part(name, PartKind::dhcp, vlan, settings, off);
}

Result<void> edit_uplink(const std::string& name, const std::string& spec) {
  std::string vlan;
  bool off = false;
  Settings settings = STRATA_TRY(parse_spec(PartKind::port, spec, vlan, off));
  if (!off && !settings.flag("user")) {
    return fail(ErrorCode::usage, "'{}' does not say where to: vlan=N,user[,forward=tcp:HOSTPORT:PORT]", spec);
  }
  settings.set("vlan", vlan);
  return replace_part(name, PartKind::port, "uplink-" + vlan, settings, off);
}

}  // namespace strata::control
