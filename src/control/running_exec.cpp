// exec and update.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/user_folders.h"
#include "container/files.h"
#include "container/spec/read_spec.h"
#include "control/container_client.h"
#include "control/container_config.h"
#include "control/container_network.h"
#include "control/container_words.h"
#include "control/run_container.h"
#include "control/running_commands.h"

namespace strata::control {
namespace {

using Json = nlohmann::ordered_json;

/// The container's process with what the request says in its place.
Result<Json> process_for(const ContainerPlaces& places, const ExecRequest& request) {
  const std::string text = STRATA_TRY(read_whole_file(places.folder / "config.json"));
  Json config = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!config.is_object() || !config.contains("process"))
    return fail(ErrorCode::bad_data, "{} is damaged", (places.folder / "config.json").string());
  Json process = config["process"];
  process["args"] = request.command;
  process["terminal"] = request.terminal;
  process.erase("consoleSize");
  ContainerOptions words;
  for (const auto& variable : request.env) STRATA_TRY(with_context(add_env(words, variable), "--env"));
  for (const auto& variable : words.env) {
    const std::string name = variable.substr(0, variable.find('=') + 1);
    std::erase_if(process["env"].get_ref<Json::array_t&>(),
                  [&](const Json& one) { return one.is_string() && one.get<std::string>().starts_with(name); });
    process["env"].push_back(variable);
  }
  if (!request.user.empty()) process["strata"]["user"] = request.user;
  if (!request.workdir.empty()) process["cwd"] = request.workdir;
  return process;
}

/// The supervisor starts it again from config.json as it is.
Result<void> keep_for_restarts(const ContainerPlaces& places, const ContainerOptions& changes) {
  const auto path = places.folder / "config.json";
  const std::string text = STRATA_TRY(read_whole_file(path));
  Json config = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!config.is_object()) return fail(ErrorCode::bad_data, "{} is damaged", path.string());
  Json resources = Json::parse(resources_json(changes));
  if (!changes.pids) resources.erase("pids");
  config["linux"]["resources"].merge_patch(resources);
  return container::replace_file(path.string(), config.dump(-1, ' ', false, Json::error_handler_t::replace));
}

/// The text as a file that only those who inherit the descriptor can read.
Result<int> as_descriptor(const std::string& text) {
  const int file = ::memfd_create("process.json", 0);
  if (file < 0 || ::write(file, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return fail_errno("handing over the process");
  return file;
}

}  // namespace

Result<int> exec_in(const ExecRequest& request) {
  const ContainerPlaces places = STRATA_TRY(find_container(request.name));
  if (!is_looked_after(places))
    return fail(ErrorCode::not_found, "container '{0}' is not running: 'strata start {0}' starts it", request.name);
  if (request.command.empty()) return fail(ErrorCode::usage, "give a program to run in '{}'", request.name);
  if (request.terminal && (request.detach || !::isatty(STDIN_FILENO)))
    return fail(ErrorCode::usage, "--tty needs a terminal, and standard input is none");
  const std::string process =
      STRATA_TRY(process_for(places, request)).dump(-1, ' ', false, Json::error_handler_t::replace);
  const int file = STRATA_TRY(as_descriptor(process));
  std::vector<std::string> words = {
      STRATA_TRY(own_program("strata-oci")), "--root", places.runtime().root, "exec", "--process",
      fmt::format("/proc/self/fd/{}", file)};
  if (request.detach) words.emplace_back("--detach");
  words.push_back(request.name);
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (!request.input && !request.terminal) ::dup2(null, STDIN_FILENO);
  if (request.detach)
    for (const int standard : {STDOUT_FILENO, STDERR_FILENO}) ::dup2(null, standard);
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  ::execv(arguments[0], arguments.data());
  return fail_errno("starting {}", words[0]);
}

std::vector<const ContainerOption*> update_options() {
  std::vector<const ContainerOption*> all;
  for (const char* name : {"memory", "cpus", "pids", "restart", "health-interval", "health-timeout", "health-start",
                           "health-retries", "log-size", "log-files", "stop-signal", "stop-timeout"})
    all.push_back(find_option<ContainerOptions>(container_options(), name));
  return all;
}

Result<void> update_running(const UpdateRequest& request) {
  const ContainerPlaces places = STRATA_TRY(find_container(request.name));
  ContainerRecord record = STRATA_TRY(read_record(places));
  if (request.options.empty() && request.forwards.empty())
    return fail(ErrorCode::usage, "nothing to change: see strata update --help");
  ContainerOptions changes;
  for (const auto& [name, value] : request.options)
    STRATA_TRY(give_option(changes, *find_option<ContainerOptions>(container_options(), name), value));
  const bool runs = is_looked_after(places);
  // The kernel may refuse: then nothing has changed.
  if (runs && (changes.memory || changes.milli_cpus || changes.pids)) {
    auto resources = STRATA_TRY(container::read_resources(resources_json(changes)));
    if (!changes.pids) resources.pids_limit.reset();
    STRATA_TRY(container::update(places.runtime(), places.name, resources));
  }
  if (runs && !request.forwards.empty()) STRATA_TRY(change_forwards({places.name, places.running}, request.forwards));
  for (const auto& change : changes.given) {
    std::erase_if(record.given, [&](const auto& one) { return one.first == change.first; });
    record.given.push_back(change);
  }
  if (!request.forwards.empty()) {
    const auto options = STRATA_TRY(options_of(places, record));
    const auto nets = STRATA_TRY(with_forward_changes(options.nets, request.forwards));
    std::erase_if(record.given, [](const auto& one) { return one.first == "net"; });
    for (const auto& net : nets) record.given.emplace_back("net", net);
  }
  STRATA_TRY(write_record(places, record));
  if (!runs) return {};
  STRATA_TRY(keep_for_restarts(places, changes));
  STRATA_TRY(renew_supervisor_plan(places, record));
  auto client = STRATA_TRY(ContainerClient::connect(places));
  STRATA_TRY(client.ask(container::Ask::reload));
  return client.wait_until_done();
}

}  // namespace strata::control
