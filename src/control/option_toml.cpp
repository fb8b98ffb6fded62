// Reading options out of TOML files.
#include "control/option_toml.h"

#include <toml++/toml.h>

namespace strata::control {
namespace {

/// A value as the command line would write it; nullopt for tables, dates and the like.
std::optional<std::string> as_text(const toml::node& node) {
  if (const auto text = node.value_exact<std::string>()) return *text;
  if (const auto number = node.value_exact<int64_t>()) return std::to_string(*number);
  if (const auto number = node.value_exact<double>()) return fmt::format("{}", *number);
  if (const auto flag = node.value_exact<bool>()) return *flag ? "true" : "false";
  return std::nullopt;
}

Result<void> set_from_node(const TomlKey& to, std::string_view key, const toml::node& node) {
  const auto text = as_text(node);
  if (!text) return fail(ErrorCode::usage, "{} is neither text, number nor truth value", key);
  return to.set(*text);
}

Result<void> set_from_key(const std::optional<TomlKey>& to, std::string_view key, const toml::node& node) {
  if (!to) return fail(ErrorCode::usage, "there is no option '{}' (see strata run --help)", key);
  const toml::array* several = node.as_array();
  if (!several) return set_from_node(*to, key, node);
  if (!to->repeated) return fail(ErrorCode::usage, "{} can be given only once", key);
  for (const toml::node& one : *several) STRATA_TRY(set_from_node(*to, key, one));
  return {};
}

Result<toml::table> parse(const std::string& path) {
  try {
    return toml::parse_file(path);
  } catch (const toml::parse_error& error) {  // the library's only way to tell
    const auto line = error.source().begin.line;
    if (line == 0) return fail(ErrorCode::not_found, "{}: {}", path, error.description());
    return fail(ErrorCode::bad_data, "{}:{}: {}", path, line, error.description());
  }
}

}  // namespace

Result<void> read_option_toml(const std::string& path, std::string& image,
                              const std::function<std::optional<TomlKey>(std::string_view key)>& find) {
  const toml::table file = STRATA_TRY(parse(path));
  const auto set_image = [&](std::string_view value) -> Result<void> {
    image = value;
    return {};
  };
  for (const auto& [key, node] : file) {
    if (key == "as") continue;  // layer_of_toml() has read it
    auto done = set_from_key(key == "image" ? TomlKey{.set = set_image} : find(key.str()), key.str(), node);
    if (!done) return tl::unexpected(std::move(done).error().context("{}:{}", path, node.source().begin.line));
  }
  return {};
}

Result<std::string> layer_of_toml(const std::string& path) {
  const toml::table file = STRATA_TRY(parse(path));
  return file["as"].value_or<std::string>("vm");
}

}  // namespace strata::control
