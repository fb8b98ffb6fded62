// Machine options from a TOML file.
#include <toml++/toml.h>

#include "control/machine_options.h"

namespace strata::control {
namespace {

/// A value as the command line would write it; nullopt for tables, dates and the like.
std::optional<std::string> as_text(const toml::node& node) {
  if (const auto text = node.value_exact<std::string>()) return *text;
  if (const auto number = node.value_exact<int64_t>()) return std::to_string(*number);
  if (const auto flag = node.value_exact<bool>()) return *flag ? "true" : "false";
  return std::nullopt;
}

const MachineOption* find_option(std::string_view name) {
  for (const MachineOption& option : machine_options()) {
    if (option.name == name) return &option;
  }
  return nullptr;
}

Result<void> set_from_node(const MachineOption& option, const toml::node& node, MachineOptions& options) {
  const auto text = as_text(node);
  if (!text) return fail(ErrorCode::usage, "{} is neither text, number nor truth value", option.name);
  return option.set(options, *text);
}

Result<void> set_from_key(std::string_view key, const toml::node& node, MachineOptions& options) {
  if (key == "image") {
    const auto text = node.value_exact<std::string>();
    if (!text) return fail(ErrorCode::usage, "image is no text");
    options.image = *text;
    return {};
  }
  const MachineOption* option = find_option(key);
  if (!option) return fail(ErrorCode::usage, "there is no option '{}' (see strata run --help)", key);
  const toml::array* several = node.as_array();
  if (!several) return set_from_node(*option, node, options);
  if (!option->repeated) return fail(ErrorCode::usage, "{} can be given only once", key);
  for (const toml::node& one : *several) STRATA_TRY(set_from_node(*option, one, options));
  return {};
}

}  // namespace

Result<void> read_machine_toml(const std::string& path, MachineOptions& options) {
  toml::table file;
  try {
    file = toml::parse_file(path);
  } catch (const toml::parse_error& error) {  // the library's only way to tell
    const auto line = error.source().begin.line;
    if (line == 0) return fail(ErrorCode::not_found, "{}: {}", path, error.description());
    return fail(ErrorCode::bad_data, "{}:{}: {}", path, line, error.description());
  }
  for (const auto& [key, node] : file) {
    auto done = set_from_key(key.str(), node, options);
    if (!done) return tl::unexpected(std::move(done).error().context("{}:{}", path, node.source().begin.line));
  }
  return {};
}

}  // namespace strata::control
