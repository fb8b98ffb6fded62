// create, run, start, kill, delete.
#include "oci/commands.h"
#include "oci/signal_name.h"

#include <memory>

namespace strata::oci {
namespace {

struct CreateWords {
  std::string id;
  container::CreateOptions options;
  bool no_new_keyring = false;
  bool no_pivot = false;

  void add_to(CLI::App& command) {
    command.add_option("ID", id, "The container's name")->required();
    command.add_option("-b,--bundle", options.bundle, "Folder with config.json")->type_name("FOLDER");
    command.add_option("--console-socket", options.console_socket, "Socket that is sent the terminal")
        ->type_name("PATH");
    command.add_option("--pid-file", options.pid_file, "File for the process's number")->type_name("PATH");
    command.add_option("--preserve-fds", options.preserve_fds, "Descriptors from 3 on that the program gets")
        ->type_name("N");
    command.add_flag("--no-new-keyring", no_new_keyring, "Keep the session keyring");
    command.add_flag("--no-pivot", no_pivot, "Refused: the old root could be reached");
  }
  [[nodiscard]] Result<container::CreateOptions> checked() const {
    if (no_pivot)
      return fail(ErrorCode::unsupported, "--no-pivot is not supported: a container could reach the host's root");
    auto given = options;
    given.new_keyring = !no_new_keyring;
    return given;
  }
};

void add_create(CLI::App& app, Context& context) {
  const auto words = std::make_shared<CreateWords>();
  auto* command = app.add_subcommand("create", "Make a container, ready to start");
  words->add_to(*command);
  on(command, context, [&context, words]() -> Result<int> {
    return done(container::create(context.runtime, words->id, STRATA_TRY(words->checked())));
  });
}

void add_run(CLI::App& app, Context& context) {
  struct Words : CreateWords {
    bool detach = false;
    bool keep = false;
  };
  const auto words = std::make_shared<Words>();
  auto* command = app.add_subcommand("run", "Make and start a container, wait for its end, delete it");
  words->add_to(*command);
  command->add_flag("-d,--detach", words->detach, "Do not wait");
  command->add_flag("--keep", words->keep, "Do not delete it at its end");
  on(command, context, [&context, words]() -> Result<int> {
    return container::run(context.runtime, words->id, STRATA_TRY(words->checked()), words->detach, words->keep);
  });
}

void add_start(CLI::App& app, Context& context) {
  const auto id = std::make_shared<std::string>();
  auto* command = app.add_subcommand("start", "Start the program of a created container");
  command->add_option("ID", *id, "The container's name")->required();
  on(command, context, [&context, id] { return done(container::start(context.runtime, *id)); });
}

void add_kill(CLI::App& app, Context& context) {
  struct Words {
    std::string id;
    std::string signal = "SIGTERM";
    bool all = false;
  };
  const auto words = std::make_shared<Words>();
  auto* command = app.add_subcommand("kill", "Send a signal to a container's first process");
  command->add_option("ID", words->id, "The container's name")->required();
  command->add_option("SIGNAL", words->signal, "Name or number; SIGTERM if not given");
  command->add_flag("-a,--all", words->all, "To all processes of the container");
  on(command, context, [&context, words]() -> Result<int> {
    return done(container::kill(context.runtime, words->id, STRATA_TRY(signal_number(words->signal)), words->all));
  });
}

void add_delete(CLI::App& app, Context& context) {
  struct Words {
    std::string id;
    bool force = false;
  };
  const auto words = std::make_shared<Words>();
  auto* command = app.add_subcommand("delete", "Remove a container that has ended");
  command->add_option("ID", words->id, "The container's name")->required();
  command->add_flag("-f,--force", words->force, "Also one that runs, or is not there");
  on(command, context, [&context, words] { return done(container::remove(context.runtime, words->id, words->force)); });
}

template <const char* name>
void add_refused(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand(name, "Not supported: says so");
  command->allow_extras();
  on(command, context, []() -> Result<int> {
    return fail(ErrorCode::unsupported, "{} is not supported: containers cannot be saved; a virtual machine can", name);
  });
}

constexpr char checkpoint[] = "checkpoint";
constexpr char restore[] = "restore";

constexpr Subcommand commands[] = {{"create", add_create},         {"run", add_run},
                                   {"start", add_start},           {"kill", add_kill},
                                   {"delete", add_delete},         {checkpoint, add_refused<checkpoint>},
                                   {restore, add_refused<restore>}};

}  // namespace

std::span<const Subcommand> lifecycle_commands() { return commands; }

}  // namespace strata::oci
