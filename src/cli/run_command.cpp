// strata run.
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cli/commands.h"
#include "control/container_options.h"
#include "control/option_toml.h"
#include "control/run_container.h"
#include "control/run_machine.h"

namespace strata::cli {
namespace {

/// One option as it was given, if it was. Both kinds may have one of that name.
struct Given {
  std::string_view name;
  const control::MachineOption* machine;
  const control::ContainerOption* container;
  std::vector<std::string> values;
};

struct RunArguments {
  CLI::App* command = nullptr;
  std::string image;
  std::string layer;
  std::deque<Given> given;  // CLI11 keeps references into it
};

std::string help_of(const Given& given) {
  if (!given.machine) return std::string(given.container->help);
  if (!given.container || given.container->help == given.machine->help) return std::string(given.machine->help);
  return fmt::format("{}; a container: {}", given.machine->help, given.container->help);
}

void add_option(RunArguments& arguments, const control::MachineOption* machine,
                const control::ContainerOption* container) {
  const std::string_view name = machine ? machine->name : container->name;
  Given& given = arguments.given.emplace_back(Given{name, machine, container, {}});
  const char letter = container ? container->letter : '\0';
  const std::string flag = (letter ? fmt::format("-{},--{}", letter, name) : fmt::format("--{}", name));
  const std::string_view argument = machine ? machine->argument : container->argument;
  const char* const group = machine && container ? "Options"
                            : machine            ? "Options of machines (--as vm)"
                                                 : "Options of containers (--as container)";
  if (argument.empty()) {
    arguments.command
        ->add_flag_callback(
            flag, [&given] { given.values = {"true"}; }, help_of(given))
        ->group(group);
    return;
  }
  auto* added = arguments.command->add_option(flag, given.values, help_of(given))->type_name(std::string(argument));
  const bool repeated = (machine && machine->repeated) || (container && container->repeated);
  added->allow_extra_args(false)->group(group)->multi_option_policy(repeated ? CLI::MultiOptionPolicy::TakeAll
                                                                             : CLI::MultiOptionPolicy::TakeLast);
}

Result<int> run_as_machine(const RunArguments& arguments, bool from_file) {
  control::MachineOptions options;
  options.program.words = STRATA_TRY(program_words(*arguments.command));
  if (from_file) STRATA_TRY(control::read_machine_toml(arguments.image, options));
  else options.image = arguments.image;
  for (const Given& given : arguments.given) {
    if (!given.values.empty() && !given.machine)
      return fail(ErrorCode::usage, "--{} is an option of containers: add --as container", given.name);
    for (const std::string& value : given.values) STRATA_TRY(given.machine->set(options, value));
  }
  STRATA_TRY(control::check(options));
  return control::run_machine(options);
}

Result<int> run_as_container(const RunArguments& arguments, bool from_file) {
  control::ContainerOptions options;
  if (from_file) STRATA_TRY(control::read_container_toml(arguments.image, options));
  else options.image = arguments.image;
  for (const Given& given : arguments.given) {
    if (!given.values.empty() && !given.container)
      return fail(ErrorCode::usage, "--{} is an option of machines: a container has no such part", given.name);
    for (const std::string& value : given.values) STRATA_TRY(control::give_option(options, *given.container, value));
  }
  if (auto words = STRATA_TRY(program_words(*arguments.command)); !words.empty()) options.command = std::move(words);
  STRATA_TRY(control::check(options));
  return control::run_container(options);
}

Result<int> run(const RunArguments& arguments) {
  const bool from_file = arguments.image.ends_with(".toml");
  std::string layer = arguments.layer;
  if (layer.empty()) layer = from_file ? STRATA_TRY(control::layer_of_toml(arguments.image)) : "vm";
  if (layer == "vm") return run_as_machine(arguments, from_file);
  if (layer == "container") return run_as_container(arguments, from_file);
  return fail(ErrorCode::usage, "--as '{}' is not one of vm, container", layer);
}

}  // namespace

Result<std::vector<std::string>> program_words(const CLI::App& command) {
  std::vector<std::string> words = command.remaining();
  const bool marked = !words.empty() && words[0] == "--";
  if (marked) words.erase(words.begin());
  // A program may begin with a dash only behind a mark; else it is an option mistyped.
  if (!marked && !words.empty() && words[0].starts_with('-'))
    return fail(ErrorCode::usage, "there is no option {} (see strata {} --help)", words[0], command.get_name());
  return words;
}

void add_run_command(CLI::App& app, Action& action) {
  auto arguments = std::make_shared<RunArguments>();
  CLI::App* command = app.add_subcommand("run", "Run an image as a machine or a container; Ctrl-] q leaves a terminal");
  arguments->command = command;
  command->add_option(
      "IMAGE", arguments->image,
      "an image (strata image list), a TOML file with these options, or a folder that is a root file system");
  command->add_option("--as", arguments->layer, "the layer to run it at: vm or container (vm)")->type_name("LAYER");
  command->prefix_command();  // what follows the image is the program with its own options
  command->footer("Then the program and its arguments, in place of the image's.");
  for (const control::MachineOption& option : control::machine_options())
    add_option(*arguments, &option,
               control::find_option<control::ContainerOptions>(control::container_options(), option.name));
  for (const control::ContainerOption& option : control::container_options())
    if (!control::find_option<control::MachineOptions>(control::machine_options(), option.name))
      add_option(*arguments, nullptr, &option);
  command->callback([arguments, &action] { action = [arguments] { return run(*arguments); }; });
}

}  // namespace strata::cli
