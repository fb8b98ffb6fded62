// The options that all commands share, and running the one that was given.
#include "oci/command_line.h"

#include "container/container.h"
#include "oci/commands.h"
#include "oci/log.h"

#include <fcntl.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <filesystem>

namespace strata::oci {
namespace {

// Where root's containers are, and where an ordinary user's.
std::string default_root() {
  const char* const runtime = std::getenv("XDG_RUNTIME_DIR");
  // Root of a user namespace, as engines of ordinary users make it, is none of the host's.
  if (container::is_rootless() && runtime && *runtime) return std::string(runtime) + "/strata-oci";
  return ::geteuid() == 0 ? "/run/strata-oci" : "/tmp/strata-oci-" + std::to_string(::geteuid());
}

void add_subcommands(CLI::App& app, Context& context) {
  const std::span<const Subcommand> groups[] = {lifecycle_commands(), process_commands(), information_commands(),
                                                hidden_commands()};
  const auto is_named = [&](const Subcommand& one) {
    return std::ranges::find(context.words, one.name) != context.words.end();
  };
  bool any = false;
  for (const auto group : groups) any |= std::ranges::any_of(group, is_named);
  for (const auto group : groups)
    for (const auto& one : group)
      if (!any || is_named(one)) one.add(app, context);
}

}  // namespace

int report(const Error& error) {
  fmt::print(stderr, "strata-oci: {}\n", error.message);
  return error.code == ErrorCode::usage ? 2 : 1;
}

int run_command_line(int argc, char** argv) {
  CLI::App app{"An OCI runtime: makes, runs and removes containers as their bundles describe them.", "strata-oci"};
  app.set_version_flag("--version,-v", "strata-oci version " STRATA_VERSION "\nspec: 1.2.0");
  app.require_subcommand(0, 1);
  app.option_defaults()->always_capture_default(false);

  Context context;
  context.runtime.root = default_root();
  Log log;
  bool debug = false;
  std::string rootless;
  int held = -1;
  app.add_option("--root", context.runtime.root, "Folder of the containers' state")->type_name("FOLDER");
  app.add_option("--log", log.path, "Write errors into this file too")->type_name("FILE");
  app.add_option("--log-format", log.format, "text or json")->check(CLI::IsMember({"text", "json"}));
  app.add_flag("--debug", debug, "Accepted for engines that give it");
  app.add_flag("--systemd-cgroup", context.runtime.systemd_cgroup, "cgroupsPath is SLICE:PREFIX:NAME");
  app.add_option_function<std::string>(
         "--cgroup-manager",
         [&context](const std::string& manager) {
           context.runtime.systemd_cgroup = manager == "systemd";
           context.runtime.no_cgroup = manager == "disabled";
         },
         "cgroupfs (as it is anyway), systemd (the same as --systemd-cgroup), or disabled")
      ->check(CLI::IsMember({"cgroupfs", "systemd", "disabled"}));
  app.add_option("--rootless", rootless, "Accepted for engines that give it: found out by itself");
  app.add_option("--hold-fd", held,
                 "Keep this descriptor open until the command ends; hooks and programs do not get it")
      ->type_name("N");
  context.words.assign(argv + 1, argv + argc);
  add_subcommands(app, context);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    log.write(error.what());
    return report({ErrorCode::usage, fmt::format("{}; see strata-oci --help", error.what())});
  }
  if (!context.action) return report({ErrorCode::usage, "a subcommand is required; see strata-oci --help"});
  if (held >= 0) ::fcntl(held, F_SETFD, FD_CLOEXEC);
  const auto code = context.action();
  if (code) return *code;
  log.write(code.error().message);
  return report(code.error());
}

}  // namespace strata::oci
