// Changing configurations and telling how two of them differ.
#include "network/switch/configuration.h"

#include "network/switch/folders.h"

namespace strata::network {
namespace {

constexpr size_t most_parts = 4096;  // of a kind

/// "port p1", or "switch" for the network itself.
std::string title(PartKind kind, std::string_view name) {
  if (kind == PartKind::options) return std::string(options_name);
  return fmt::format("{} {}", info_of(kind).name, name);
}

std::string value_text(const std::vector<std::string>& values) { return fmt::format("{}", fmt::join(values, " ")); }

std::string settings_text(const Settings& settings) {
  std::vector<std::string> texts;
  for (const auto& [name, values] : settings.all()) texts.push_back(name + " " + value_text(values));
  return fmt::format("{}", fmt::join(texts, ", "));
}

std::string change_text(const Settings& before, const Settings& after) {
  std::vector<std::string> texts;
  for (const auto& [name, values] : before.all()) {
    if (!after.has(name)) {
      texts.push_back(fmt::format("{} {} -> default", name, value_text(values)));
    } else if (after.list(name) != values) {
      texts.push_back(fmt::format("{} {} -> {}", name, value_text(values), value_text(after.list(name))));
    }
  }
  for (const auto& [name, values] : after.all()) {
    if (!before.has(name)) texts.push_back(fmt::format("{} default -> {}", name, value_text(values)));
  }
  return fmt::format("{}", fmt::join(texts, ", "));
}

Result<void> add_part(Configuration& configuration, const Edit& edit) {
  STRATA_TRY(check_name(info_of(edit.kind).name, edit.name));
  Parts& parts = configuration.parts(edit.kind);
  if (parts.contains(edit.name)) return fail(ErrorCode::already_exists, "there is one of that name already");
  if (parts.size() >= most_parts) return fail(ErrorCode::no_space, "a network has at most {} of them", most_parts);
  Settings settings;
  STRATA_TRY(change_settings(edit.kind, settings, edit.settings));
  parts.emplace(edit.name, std::move(settings));
  return {};
}

Result<void> set_part(Configuration& configuration, const Edit& edit) {
  Parts& parts = configuration.parts(edit.kind);
  const auto part = parts.find(edit.name);
  if (part == parts.end()) return fail(ErrorCode::not_found, "there is none of that name");
  return change_settings(edit.kind, part->second, edit.settings);
}

Result<void> remove_part(Configuration& configuration, const Edit& edit) {
  if (configuration.parts(edit.kind).erase(edit.name) == 0)
    return fail(ErrorCode::not_found, "there is none of that name");
  return {};
}

Result<void> do_edit(Configuration& configuration, const Edit& edit) {
  if (edit.kind == PartKind::options && edit.action != Edit::Action::set)
    return fail(ErrorCode::usage, "a network's own settings can only be set, neither added nor removed");
  switch (edit.action) {
    case Edit::Action::add: return add_part(configuration, edit);
    case Edit::Action::set: return set_part(configuration, edit);
    case Edit::Action::remove: return remove_part(configuration, edit);
  }
  return {};
}

void compare(PartKind kind, const Parts& before, const Parts& after, std::vector<std::string>& lines) {
  for (const auto& [name, settings] : before) {
    if (!after.contains(name)) lines.push_back("- " + title(kind, name));
  }
  for (const auto& [name, settings] : after) {
    const auto old = before.find(name);
    if (old == before.end()) {
      lines.push_back(fmt::format("+ {}: {}", title(kind, name), settings_text(settings)));
    } else if (old->second != settings) {
      lines.push_back(fmt::format("~ {}: {}", title(kind, name), change_text(old->second, settings)));
    }
  }
}

}  // namespace

Result<void> apply_edit(Configuration& configuration, const Edit& edit) {
  return with_context(do_edit(configuration, edit), "{}", title(edit.kind, edit.name));
}

std::vector<std::string> difference(const Configuration& before, const Configuration& after) {
  std::vector<std::string> lines;
  for (const PartKind kind : part_kinds) compare(kind, before.parts(kind), after.parts(kind), lines);
  return lines;
}

}  // namespace strata::network
