// exec, pause, resume, update.
#include "container/files.h"
#include "container/spec/read_spec.h"
#include "oci/commands.h"

#include <charconv>
#include <iostream>
#include <memory>

namespace strata::oci {
namespace {

struct ExecWords {
  std::string id;
  std::string process_file;
  std::vector<std::string> args;
  std::string user;
  std::string cwd;
  std::vector<std::string> env;
  std::vector<std::string> capabilities;
  std::vector<gid_t> groups;
  bool terminal = false;
  bool no_new_privileges = false;
  container::ExecOptions options;
};

Result<std::uint32_t> id_number(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size())
    return fail(ErrorCode::usage, "--user takes UID or UID:GID in numbers, not '{}'", text);
  return value;
}

// The configured process with what the command line says in its place.
Result<container::Process> process_of(const Context& context, const ExecWords& words) {
  if (!words.process_file.empty()) {
    const auto text = STRATA_TRY(container::read_file(words.process_file, container::max_spec_size));
    return with_context(container::read_process(text), "{}", words.process_file);
  }
  if (words.args.empty()) return fail(ErrorCode::usage, "give a program, or --process FILE");
  auto process = STRATA_TRY(container::configured_process(context.runtime, words.id));
  process.args = words.args;
  process.terminal = words.terminal;
  process.console_size.reset();
  if (!words.cwd.empty()) process.cwd = words.cwd;
  if (!words.user.empty()) {
    const std::size_t colon = words.user.find(':');
    process.user.uid = STRATA_TRY(id_number(std::string_view(words.user).substr(0, colon)));
    if (colon != std::string::npos)
      process.user.gid = STRATA_TRY(id_number(std::string_view(words.user).substr(colon + 1)));
  }
  for (const auto group : words.groups) process.user.additional_gids.push_back(group);
  for (const auto& variable : words.env) process.env.push_back(variable);
  process.no_new_privileges |= words.no_new_privileges;
  for (const auto& name : words.capabilities) {
    const int number = container::capability_number(name);
    if (number < 0) return fail(ErrorCode::usage, "--cap: '{}' is no capability", name);
    if (!process.capabilities) process.capabilities.emplace();
    const std::uint64_t bit = std::uint64_t{1} << number;
    process.capabilities->bounding |= bit;
    process.capabilities->effective |= bit;
    process.capabilities->permitted |= bit;
  }
  return process;
}

void add_exec(CLI::App& app, Context& context) {
  const auto words = std::make_shared<ExecWords>();
  auto* command = app.add_subcommand("exec", "Run another program in a container");
  command->add_option("ID", words->id, "The container's name")->required();
  command->prefix_command();  // what follows is the program with its own options
  command->footer("Then the program and its arguments.");
  command->add_option("-p,--process", words->process_file, "File that describes the process")->type_name("FILE");
  command->add_option("--console-socket", words->options.console_socket, "Socket that is sent the terminal")
      ->type_name("PATH");
  command->add_option("--pid-file", words->options.pid_file, "File for the process's number")->type_name("PATH");
  command->add_option("--preserve-fds", words->options.preserve_fds, "Descriptors from 3 on that the program gets");
  command->add_option("-u,--user", words->user, "UID[:GID]");
  command->add_option("--cwd", words->cwd, "Working directory");
  command->add_option("-e,--env", words->env, "NAME=VALUE")->allow_extra_args(false);
  command->add_option("-c,--cap", words->capabilities, "One more capability")->allow_extra_args(false);
  command->add_option("-g,--additional-gids", words->groups, "One more group")->allow_extra_args(false);
  command->add_flag("-t,--tty", words->terminal, "With a terminal");
  command->add_flag("-d,--detach", words->options.detach, "Do not wait");
  command->add_flag("--no-new-privs", words->no_new_privileges, "No new privileges");
  on(command, context, [&context, command, words]() -> Result<int> {
    words->args = command->remaining();
    words->options.process = STRATA_TRY(process_of(context, *words));
    const int code = STRATA_TRY(container::exec(context.runtime, words->id, words->options));
    return words->options.detach ? 0 : code;
  });
}

void add_pausing(CLI::App& app, Context& context, const char* name, const char* help, bool paused) {
  const auto id = std::make_shared<std::string>();
  auto* command = app.add_subcommand(name, help);
  command->add_option("ID", *id, "The container's name")->required();
  on(command, context, [&context, id, paused] { return done(container::set_paused(context.runtime, *id, paused)); });
}

void add_pause(CLI::App& app, Context& context) {
  add_pausing(app, context, "pause", "Stop all processes where they are", true);
}

void add_resume(CLI::App& app, Context& context) { add_pausing(app, context, "resume", "Let them go on", false); }

void add_update(CLI::App& app, Context& context) {
  struct Words {
    std::string id;
    std::string file;
    std::optional<std::int64_t> memory, reservation, swap, quota, pids;
    std::optional<std::uint64_t> shares, period, burst;
    std::optional<std::uint16_t> block_weight;
    std::string cpus, mems;
  };
  const auto words = std::make_shared<Words>();
  auto* command = app.add_subcommand("update", "Change what a container may use");
  command->add_option("ID", words->id, "The container's name")->required();
  command->add_option("-r,--resources", words->file, "File with linux.resources; - is standard input")
      ->type_name("FILE");
  command->add_option("--memory", words->memory, "Bytes");
  command->add_option("--memory-reservation", words->reservation, "Bytes");
  command->add_option("--memory-swap", words->swap, "Bytes, memory and swap together");
  command->add_option("--cpu-quota", words->quota, "Microseconds in a period");
  command->add_option("--cpu-period", words->period, "Microseconds");
  command->add_option("--cpu-burst", words->burst, "Microseconds");
  command->add_option("--cpu-share", words->shares, "Weight; 1024 is usual");
  command->add_option("--cpuset-cpus", words->cpus, "List of processors");
  command->add_option("--cpuset-mems", words->mems, "List of memory nodes");
  command->add_option("--pids-limit", words->pids, "Processes and threads");
  command->add_option("--blkio-weight", words->block_weight, "10 to 1000");
  on(command, context, [&context, words]() -> Result<int> {
    container::Resources resources;
    if (words->file == "-") {
      const std::string text(std::istreambuf_iterator<char>(std::cin), {});
      resources = STRATA_TRY(with_context(container::read_resources(text), "standard input"));
    } else if (!words->file.empty()) {
      const auto text = STRATA_TRY(container::read_file(words->file, container::max_spec_size));
      resources = STRATA_TRY(with_context(container::read_resources(text), "{}", words->file));
    }
    const auto set = [](auto& to, const auto& from) {
      if (from) to = from;
    };
    set(resources.memory.limit, words->memory);
    set(resources.memory.reservation, words->reservation);
    set(resources.memory.swap, words->swap);
    set(resources.cpu.quota, words->quota);
    set(resources.cpu.period, words->period);
    set(resources.cpu.burst, words->burst);
    set(resources.cpu.shares, words->shares);
    set(resources.pids_limit, words->pids);
    set(resources.block.weight, words->block_weight);
    if (!words->cpus.empty()) resources.cpu.cpus = words->cpus;
    if (!words->mems.empty()) resources.cpu.mems = words->mems;
    return done(container::update(context.runtime, words->id, resources));
  });
}

constexpr Subcommand commands[] = {
    {"exec", add_exec}, {"pause", add_pause}, {"resume", add_resume}, {"update", add_update}};

}  // namespace

std::span<const Subcommand> process_commands() { return commands; }

}  // namespace strata::oci
