// A configuration as TOML (docs/formats/network_toml.md).
#include <toml++/toml.h>

#include "network/switch/configuration.h"
#include "network/switch/folders.h"

namespace strata::network {
namespace {

/// A value as the command line would write it; nullopt for tables, dates and the like.
std::optional<std::string> as_text(const toml::node& node) {
  if (const auto text = node.value_exact<std::string>()) return *text;
  if (const auto number = node.value_exact<int64_t>()) return std::to_string(*number);
  if (const auto flag = node.value_exact<bool>()) return *flag ? "true" : "false";
  return std::nullopt;
}

Result<std::vector<std::string>> values_of(std::string_view key, const toml::node& node) {
  std::vector<std::string> values;
  const auto add = [&](const toml::node& each) {
    if (auto text = as_text(each)) values.push_back(std::move(*text));
    else return false;
    return true;
  };
  bool good = true;
  if (const toml::array* several = node.as_array()) {
    for (const toml::node& each : *several) good = good && add(each);
  } else {
    good = add(node);
  }
  if (!good) return fail(ErrorCode::usage, "{} is neither text, number nor truth value", key);
  return values;
}

struct Reader {
  std::string_view source;
  Configuration configuration;

  template <class T>
  Result<T> at(const toml::node& node, Result<T> result) const {
    return with_context(std::move(result), "{}:{}", source, node.source().begin.line);
  }

  Result<void> read_part(PartKind kind, std::string_view name, const toml::node& node) {
    const std::string title =
        kind == PartKind::options ? std::string(name) : fmt::format("{} {}", info_of(kind).name, name);
    const toml::table* table = node.as_table();
    if (!table) return at<void>(node, fail(ErrorCode::usage, "{} is not a table", title));
    STRATA_TRY(at(node, check_name(info_of(kind).name, name)));
    Settings settings;
    for (const auto& [key, value] : *table) {
      Settings one;
      one.set(key.str(), STRATA_TRY(at(value, with_context(values_of(key.str(), value), "{}", title))));
      STRATA_TRY(at(value, with_context(check_settings(kind, one), "{}", title)));
      if (!one.list(key.str()).empty()) settings.set(key.str(), one.list(key.str()));
    }
    STRATA_TRY(at(node, with_context(check_settings(kind, settings), "{}", title)));
    configuration.parts(kind).insert_or_assign(std::string(name), std::move(settings));
    return {};
  }

  Result<void> read(const toml::table& file) {
    for (const auto& [key, node] : file) {
      const KindInfo* kind = find_kind(key.str());
      if (!kind) {
        return at<void>(
            node, fail(ErrorCode::usage, "there is no table '{}'; switch, port, mirror, acl and dhcp are", key.str()));
      }
      if (kind->kind == PartKind::options) {
        STRATA_TRY(read_part(kind->kind, options_name, node));
        continue;
      }
      const toml::table* parts = node.as_table();
      if (!parts) return at<void>(node, fail(ErrorCode::usage, "{0} is not a table of parts: [{0}.NAME]", key.str()));
      for (const auto& [name, part] : *parts) STRATA_TRY(read_part(kind->kind, name.str(), part));
    }
    return {};
  }
};

std::string toml_text(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      result += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    } else {
      result += c;
    }
  }
  return result + '"';
}

bool is_number(std::string_view text) {
  return !text.empty() && text.size() <= 18 && text.find_first_not_of("0123456789") == std::string_view::npos &&
         (text[0] != '0' || text.size() == 1);
}

std::string toml_value(const SettingInfo& setting, const std::vector<std::string>& values) {
  if (setting.kind == ValueKind::list) {
    std::vector<std::string> texts;
    for (const std::string& value : values) texts.push_back(toml_text(value));
    return fmt::format("[{}]", fmt::join(texts, ", "));
  }
  const std::string& value = values.front();
  const bool bare = setting.kind == ValueKind::flag || (setting.kind == ValueKind::number && is_number(value));
  return bare ? value : toml_text(value);
}

/// A name with dots is no bare key.
std::string toml_key(std::string_view name) {
  return name.find('.') == std::string_view::npos ? std::string(name) : toml_text(name);
}

}  // namespace

Result<Configuration> parse_configuration(std::string_view text, std::string_view source) {
  toml::table file;
  try {
    file = toml::parse(text);
  } catch (const toml::parse_error& error) {  // the library's only way to tell
    return fail(ErrorCode::bad_data, "{}:{}: {}", source, error.source().begin.line, error.description());
  }
  Reader reader{source, {}};
  STRATA_TRY(reader.read(file));
  return std::move(reader.configuration);
}

std::string to_toml(const Configuration& configuration) {
  std::string text;
  for (const PartKind kind : part_kinds) {
    const std::string_view kind_name = info_of(kind).name;
    for (const auto& [name, settings] : configuration.parts(kind)) {
      if (kind == PartKind::options && settings.empty()) continue;
      if (!text.empty()) text += '\n';
      text += kind == PartKind::options ? fmt::format("[{}]\n", kind_name)
                                        : fmt::format("[{}.{}]\n", kind_name, toml_key(name));
      for (const SettingInfo& setting : info_of(kind).settings) {
        const auto& values = settings.list(setting.name);
        if (!values.empty()) text += fmt::format("{} = {}\n", setting.name, toml_value(setting, values));
      }
    }
  }
  return text;
}

}  // namespace strata::network
