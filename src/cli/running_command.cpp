// The everyday verbs: ps, start, stop, kill, pause, unpause, rm, attach, wait, exec, update, logs, stats.
#include <deque>
#include <memory>

#include "cli/commands.h"
#include "control/run_container.h"
#include "control/running_commands.h"

namespace strata::cli {
namespace {

using control::Names;

/// A command on one name or several.
CLI::App* add_named(CLI::App& app, const char* verb, const char* help, Names& names, bool required = true) {
  CLI::App* command = app.add_subcommand(verb, help);
  command->add_option("NAME", names, "names (strata ps --all)")->required(required);
  return command;
}

CLI::App* add_single(CLI::App& app, const char* verb, const char* help, std::string& name) {
  CLI::App* command = app.add_subcommand(verb, help);
  command->add_option("NAME", name, "its name (strata ps)")->required();
  return command;
}

void on(CLI::App* command, Action& action, std::function<Result<int>()> todo) {
  command->callback([&action, todo = std::move(todo)] { action = todo; });
}

void add_ps(CLI::App& app, Action& action) {
  struct Words {
    bool all = false, json = false;
  };
  const auto words = std::make_shared<Words>();
  CLI::App* command = app.add_subcommand("ps", "List what runs");
  command->add_flag("-a,--all", words->all, "also what has ended");
  command->add_flag("--json", words->json, "as JSON");
  on(command, action, [words] { return done(control::list_running(words->all, words->json)); });
}

void add_start_and_stop(CLI::App& app, Action& action) {
  struct Words {
    Names names;
    bool attach = false, force = false, all = false;
    std::optional<int> timeout;
    std::string signal = "KILL";
  };
  auto words = std::make_shared<Words>();
  CLI::App* start = add_named(app, "start", "Start what has ended, as it was", words->names);
  start->add_flag("--attach", words->attach, "stay with it until it ends");
  on(start, action, [words] { return control::start_stopped(words->names, words->attach); });

  words = std::make_shared<Words>();
  CLI::App* stop = add_named(app, "stop", "Ask it to end, and end it if it does not", words->names);
  stop->add_option("--timeout", words->timeout, "seconds that it has (its --stop-timeout)")
      ->check(CLI::Range(0, 86400))
      ->type_name("SECONDS");
  on(stop, action, [words] { return control::stop_running(words->names, words->timeout); });

  words = std::make_shared<Words>();
  CLI::App* kill = add_named(app, "kill", "Send a signal to its first process", words->names);
  kill->add_option("-s,--signal", words->signal, "name or number (KILL)")->type_name("SIGNAL");
  on(kill, action, [words] { return control::kill_running(words->names, words->signal); });

  words = std::make_shared<Words>();
  CLI::App* remove = add_named(app, "rm", "Remove what has ended, with all that is its own", words->names, false);
  remove->add_flag("-f,--force", words->force, "also what runs, or is not there");
  remove->add_flag("--all", words->all, "all that has ended; with --force, all");
  on(remove, action, [words] { return control::remove_running(words->names, words->force, words->all); });
}

void add_pausing(CLI::App& app, Action& action) {
  for (const bool pause : {true, false}) {
    const auto names = std::make_shared<Names>();
    CLI::App* command = add_named(app, pause ? "pause" : "unpause",
                                  pause ? "Stop all its processes where they are" : "Let them go on", *names);
    on(command, action, [names, pause] { return control::pause_running(*names, pause); });
  }
}

void add_waiting(CLI::App& app, Action& action) {
  const auto attached = std::make_shared<std::string>(), awaited = std::make_shared<std::string>();
  on(add_single(app, "attach", "Join its standard input and outputs; Ctrl-] q leaves a terminal", *attached), action,
     [attached] { return control::attach_to(*attached); });
  on(add_single(app, "wait", "Wait for its end and print its exit code", *awaited), action,
     [awaited] { return control::wait_for(*awaited); });
}

void add_exec(CLI::App& app, Action& action) {
  const auto request = std::make_shared<control::ExecRequest>();
  CLI::App* command = add_single(app, "exec", "Run one more program in it", request->name);
  command->add_flag("-i,--interactive", request->input, "pass standard input on");
  command->add_flag("-t,--tty", request->terminal, "give it a terminal");
  command->add_flag("-d,--detach", request->detach, "do not wait for it");
  command->add_option("--env", request->env, "an environment variable")
      ->type_name("NAME[=VALUE]")
      ->allow_extra_args(false);
  command->add_option("--user", request->user, "who runs it")->type_name("USER[:GROUP]");
  command->add_option("--workdir", request->workdir, "where it begins")->type_name("PATH");
  command->prefix_command();  // what follows is the program with its own options
  command->footer("Then the program and its arguments.");
  on(command, action, [command, request]() -> Result<int> {
    request->command = STRATA_TRY(program_words(*command));
    return control::exec_in(*request);
  });
}

void add_update(CLI::App& app, Action& action) {
  struct Words {
    control::UpdateRequest request;
    std::deque<std::pair<const control::ContainerOption*, std::string>> given;  // CLI11 keeps references into it
  };
  const auto words = std::make_shared<Words>();
  CLI::App* command = add_single(app, "update", "Change it while it runs", words->request.name);
  for (const auto* option : control::update_options()) {
    auto& given = words->given.emplace_back(option, "");
    command->add_option("--" + std::string(option->name), given.second, std::string(option->help))
        ->type_name(std::string(option->argument));
  }
  command->add_option("--forward", words->request.forwards, "add or remove a port of the host that leads in")
      ->type_name("+tcp:8443:443|-tcp:8443")
      ->allow_extra_args(false);
  on(command, action, [words] {
    for (const auto& [option, value] : words->given)
      if (!value.empty()) words->request.options.emplace_back(option->name, value);
    return done(control::update_running(words->request));
  });
}

void add_reports(CLI::App& app, Action& action) {
  const auto log = std::make_shared<control::LogRequest>();
  CLI::App* logs = add_single(app, "logs", "Print what it has printed", log->name);
  logs->add_flag("-f,--follow", log->follow, "and what it prints from now on, until it ends");
  logs->add_flag("--timestamps", log->timestamps, "the time before each line");
  logs->add_option("--tail", log->tail, "only the last lines")->type_name("N");
  logs->add_option("--since", log->since, "only what is younger: 10m, 2h, 2026-01-31T12:00:00Z")->type_name("TIME");
  on(logs, action, [log] { return done(control::print_log(*log)); });

  const auto stats = std::make_shared<control::StatsRequest>();
  CLI::App* command = add_named(app, "stats", "Show what they use, anew each second", stats->names, false);
  command->add_flag("--once", stats->once, "only once");
  command->add_flag("--json", stats->json, "as JSON");
  on(command, action, [stats] { return done(control::print_stats(*stats)); });
}

// For the runtime, which calls it as a hook.
void add_network_hook(CLI::App& app, Action& action) {
  const auto name = std::make_shared<std::string>();
  CLI::App* command =
      app.add_subcommand("container-network", "Bring up a container's network")->group("");  // not in the help
  command->add_option("NAME", *name)->required();
  on(command, action, [name] { return done(control::bring_up_network(*name)); });
}

}  // namespace

void add_running_commands(CLI::App& app, Action& action) {
  add_ps(app, action);
  add_start_and_stop(app, action);
  add_pausing(app, action);
  add_waiting(app, action);
  add_exec(app, action);
  add_update(app, action);
  add_reports(app, action);
  add_network_hook(app, action);
}

}  // namespace strata::cli
