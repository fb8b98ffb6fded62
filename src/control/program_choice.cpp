// Entry points, commands and environments, put together as container engines do.
#include "control/program_choice.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>

namespace strata::control {
namespace {

std::string_view name_of(std::string_view variable) { return variable.substr(0, variable.find('=')); }

/// A later value takes the place of an earlier one.
void set_variable(std::vector<std::string>& env, std::string_view variable) {
  const auto same = std::find_if(env.begin(), env.end(),
                                 [&](const std::string& other) { return name_of(other) == name_of(variable); });
  if (same != env.end()) *same = variable;
  else env.emplace_back(variable);
}

std::vector<std::string> arguments_of(const image::ImageConfig& image, const ProgramChoice& choice) {
  std::vector<std::string> arguments;
  if (!choice.entrypoint) arguments = image.entrypoint;
  else if (!choice.entrypoint->empty()) arguments = {*choice.entrypoint};
  const bool use_command = choice.words.empty() && !choice.entrypoint;
  const std::vector<std::string>& rest = use_command ? image.cmd : choice.words;
  arguments.insert(arguments.end(), rest.begin(), rest.end());
  return arguments;
}

}  // namespace

Program choose_program(const image::ImageConfig& image, const ProgramChoice& choice, bool terminal) {
  Program program;
  program.arguments = arguments_of(image, choice);
  set_variable(program.env, default_path);
  if (terminal) {
    const char* term = std::getenv("TERM");
    set_variable(program.env, std::string("TERM=") + (term != nullptr && *term != '\0' ? term : "xterm"));
  }
  for (const std::string& variable : image.env) set_variable(program.env, variable);
  for (const std::string& variable : choice.env) set_variable(program.env, variable);
  program.user = choice.user.value_or(image.user);
  const std::string& directory = choice.workdir ? *choice.workdir : image.working_dir;
  if (!directory.empty()) program.directory = directory;
  return program;
}

Result<void> add_env(ProgramChoice& choice, std::string_view word) {
  const std::string name(name_of(word));
  if (name.empty()) return fail(ErrorCode::usage, "--env '{}' has no name: NAME=VALUE", word);
  if (name.size() < word.size()) choice.env.emplace_back(word);
  else if (const char* value = std::getenv(name.c_str())) choice.env.push_back(name + "=" + value);
  return {};
}

Result<void> set_workdir(ProgramChoice& choice, std::string_view path) {
  if (!path.starts_with('/')) return fail(ErrorCode::usage, "--workdir '{}' is not an absolute path", path);
  choice.workdir = path;
  return {};
}

Result<void> set_user(ProgramChoice& choice, std::string_view user) {
  const bool good =
      !user.empty() && !user.starts_with(':') && !user.ends_with(':') && std::count(user.begin(), user.end(), ':') <= 1;
  if (!good) return fail(ErrorCode::usage, "--user '{}' is not USER or USER:GROUP", user);
  choice.user = user;
  return {};
}

Result<void> set_hostname(ProgramChoice& choice, std::string_view name) {
  const auto allowed = [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '.'; };
  const bool good = !name.empty() && name.size() <= 63 && name.front() != '-' && name.front() != '.' &&
                    std::all_of(name.begin(), name.end(), allowed);
  if (!good)
    return fail(ErrorCode::usage, "--hostname '{}' is no name of a host: letters, digits, - and ., at most 63", name);
  choice.hostname = name;
  return {};
}

bool is_init(std::string_view program) {
  // As podman's --systemd: by these paths and names only, as a program called init may be anything.
  static constexpr std::array<std::string_view, 6> known{
      "/sbin/init",           "/usr/sbin/init",           "/usr/local/sbin/init",
      "/lib/systemd/systemd", "/usr/lib/systemd/systemd", "systemd"};
  return std::find(known.begin(), known.end(), program) != known.end();
}

}  // namespace strata::control
