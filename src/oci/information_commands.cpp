// state, list, ps, features, spec.
#include "container/files.h"
#include "oci/commands.h"

#include <nlohmann/json.hpp>

#include <memory>

namespace strata::oci {
namespace {

void add_state(CLI::App& app, Context& context) {
  const auto id = std::make_shared<std::string>();
  auto* command = app.add_subcommand("state", "Print a container's state as JSON");
  command->add_option("ID", *id, "The container's name")->required();
  on(command, context, [&context, id]() -> Result<int> {
    fmt::print("{}\n", STRATA_TRY(container::state(context.runtime, *id)));
    return 0;
  });
}

void print_table(const std::vector<container::ContainerLine>& lines) {
  std::size_t id = 2, bundle = 6;
  for (const auto& line : lines) {
    id = std::max(id, line.id.size());
    bundle = std::max(bundle, line.bundle.size());
  }
  fmt::print("{:<{}}  {:<8}  {:<8}  {:<{}}  {:<30}  {}\n", "ID", id, "PID", "STATUS", "BUNDLE", bundle, "CREATED",
             "OWNER");
  for (const auto& line : lines)
    fmt::print("{:<{}}  {:<8}  {:<8}  {:<{}}  {:<30}  {}\n", line.id, id, line.pid, line.status, line.bundle, bundle,
               line.created, line.owner);
}

void add_list(CLI::App& app, Context& context) {
  struct Words {
    std::string format = "table";
    bool json = false;
    bool quiet = false;
  };
  const auto words = std::make_shared<Words>();
  auto* command = app.add_subcommand("list", "List the containers");
  command->add_option("-f,--format", words->format, "table or json")->check(CLI::IsMember({"table", "json"}));
  command->add_flag("--json", words->json, "The same as --format json");
  command->add_flag("-q,--quiet", words->quiet, "Names only");
  on(command, context, [&context, words]() -> Result<int> {
    const auto lines = STRATA_TRY(container::list(context.runtime));
    if (words->quiet) {
      for (const auto& line : lines) fmt::print("{}\n", line.id);
    } else if (words->json || words->format == "json") {
      auto all = nlohmann::ordered_json::array();
      for (const auto& line : lines) {
        all.push_back(nlohmann::ordered_json::parse(line.state));
        all.back()["owner"] = line.owner;
      }
      fmt::print("{}\n", all.dump(2));
    } else {
      print_table(lines);
    }
    return 0;
  });
}

void add_ps(CLI::App& app, Context& context) {
  struct Words {
    std::string id;
    std::string format = "table";
    std::vector<std::string> rest;
  };
  const auto words = std::make_shared<Words>();
  auto* command = app.add_subcommand("ps", "List a container's processes");
  command->add_option("ID", words->id, "The container's name")->required();
  command->add_option("-f,--format", words->format, "table or json")->check(CLI::IsMember({"table", "json"}));
  command->add_option("PS-OPTIONS", words->rest, "Accepted for engines that give them");
  on(command, context, [&context, words]() -> Result<int> {
    const auto processes = STRATA_TRY(container::processes(context.runtime, words->id));
    if (words->format == "json") {
      fmt::print("{}\n", nlohmann::json(processes).dump());
      return 0;
    }
    fmt::print("{:<8}  {}\n", "PID", "COMMAND");
    for (const auto process : processes) {
      auto name = container::read_file(fmt::format("/proc/{}/comm", process));
      fmt::print("{:<8}  {}\n", process, name ? name->substr(0, name->find('\n')) : "?");
    }
    return 0;
  });
}

void add_spec(CLI::App& app, Context& context) {
  struct Words {
    std::string bundle = ".";
    bool rootless = false;
  };
  const auto words = std::make_shared<Words>();
  auto* command = app.add_subcommand("spec", "Write a config.json to begin with");
  command->add_option("-b,--bundle", words->bundle, "The folder to write it to");
  command->add_flag("--rootless", words->rootless, "For an ordinary user's container");
  on(command, context, [words]() -> Result<int> {
    const std::string path = words->bundle + "/config.json";
    if (container::exists(path)) return fail(ErrorCode::already_exists, "{} exists already", path);
    return done(container::replace_file(path, container::template_spec(words->rootless) + "\n"));
  });
}

void add_features(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("features", "Print what this runtime can do, as JSON");
  on(command, context, []() -> Result<int> {
    fmt::print("{}\n", container::features());
    return 0;
  });
}

constexpr Subcommand commands[] = {
    {"state", add_state}, {"list", add_list}, {"ps", add_ps}, {"spec", add_spec}, {"features", add_features}};

}  // namespace

std::span<const Subcommand> information_commands() { return commands; }

}  // namespace strata::oci
