// strata run.
#include <deque>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "control/run_machine.h"

namespace strata::cli {
namespace {

/// What was left behind the image: a program and its words. Options end where it begins.
Result<void> check_program(const std::vector<std::string>& words) {
  if (words.empty() || !words.front().starts_with('-')) return {};
  return fail(ErrorCode::usage, "there is no option {} (see strata run --help)", words.front());
}

/// One option as it was given, if it was.
struct Given {
  const control::MachineOption* option;
  std::vector<std::string> values;
};

struct RunArguments {
  std::string image;
  std::string layer = "vm";
  std::vector<std::string> words;
  std::deque<Given> given;  // CLI11 keeps references into it
};

void add_option(CLI::App& command, RunArguments& arguments, const control::MachineOption& option) {
  Given& given = arguments.given.emplace_back(Given{&option, {}});
  const std::string flag = "--" + std::string(option.name), help(option.help);
  if (option.argument.empty()) {
    command.add_flag_callback(
        flag, [&given] { given.values = {"true"}; }, help);
    return;
  }
  auto* added = command.add_option(flag, given.values, help)->type_name(std::string(option.argument));
  added->allow_extra_args(false)->multi_option_policy(option.repeated ? CLI::MultiOptionPolicy::TakeAll
                                                                      : CLI::MultiOptionPolicy::TakeLast);
}

Result<int> run(const RunArguments& arguments) {
  if (arguments.layer != "vm") {
    return fail(ErrorCode::usage, "--as '{}' is not there: machines run as vm", arguments.layer);
  }
  control::MachineOptions options;
  STRATA_TRY(check_program(arguments.words));
  options.program.words = arguments.words;
  if (arguments.image.ends_with(".toml")) {
    STRATA_TRY(control::read_machine_toml(arguments.image, options));
  } else {
    options.image = arguments.image;
  }
  for (const Given& given : arguments.given) {
    for (const std::string& value : given.values) STRATA_TRY(given.option->set(options, value));
  }
  STRATA_TRY(control::check(options));
  return control::run_machine(options);
}

}  // namespace

void add_run_command(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("run", "Run a machine in the foreground; Ctrl-] q leaves it");
  auto arguments = std::make_shared<RunArguments>();
  command->add_option("IMAGE", arguments->image, "an image (strata image list), or a TOML file with these options");
  command->prefix_command();  // the first word behind the image begins the program's own words
  command->add_option("--as", arguments->layer, "the layer to run it at: vm")->type_name("LAYER");
  for (const control::MachineOption& option : control::machine_options()) add_option(*command, *arguments, option);
  command->callback([arguments, command, &action] {
    arguments->words = command->remaining();
    action = [arguments] { return run(*arguments); };
  });
}

}  // namespace strata::cli
