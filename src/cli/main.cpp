// strata: parses the command line, runs the command, and tells what went wrong in one line.
#include <cstdlib>

#include "cli/commands.h"

int main(int argc, char** argv) {
  using namespace strata;
  CLI::App app{"Strata virtualizes a computer at every layer."};
  app.require_subcommand(0, 1);  // none is told below: an unknown word is the better error
  app.failure_message(
      [](const CLI::App*, const CLI::Error& error) { return fmt::format("strata: {} (see --help)\n", error.what()); });
  cli::Action action;
  cli::add_run_command(app, action);
  cli::add_running_commands(app, action);
  cli::add_image_commands(app, action);
  cli::add_network_commands(app, action);
  cli::add_port_commands(app, action);
  cli::add_container_net_commands(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {  // the library's only way to tell; help comes this way too
    return app.exit(error) == 0 ? EXIT_SUCCESS : static_cast<int>(ExitCode::wrong_usage);
  }
  const Result<int> result =
      action ? action() : fail(ErrorCode::usage, "no command: run, ps, stop, image, network … (see --help)");
  if (result) return *result;
  fmt::print(stderr, "strata: {}\n", result.error().message);
  return static_cast<int>(exit_code_of(result.error()));
}
