// Settings and edits to JSON and back.
#include "network/switch/settings_json.h"

namespace strata::network {
namespace {

constexpr std::pair<std::string_view, Edit::Action> actions[] = {
    {"add", Edit::Action::add}, {"set", Edit::Action::set}, {"remove", Edit::Action::remove}};

}  // namespace

Json settings_to_json(const Settings& settings) {
  Json json = Json::object();
  for (const auto& [name, values] : settings.all()) json[name] = values;
  return json;
}

Result<Settings> settings_from_json(const Json& request, const char* key) {
  Settings settings;
  const auto found = request.find(key);
  if (found == request.end()) return settings;
  if (!found->is_object()) return fail(ErrorCode::bad_data, "'{}' is no object of settings", key);
  for (const auto& [name, values] : found->items()) {
    std::vector<std::string> texts;
    for (const Json& value : values.is_array() ? values : Json::array({values})) {
      if (!value.is_string()) return fail(ErrorCode::bad_data, "the values of '{}' are no texts", name);
      texts.push_back(value.get<std::string>());
    }
    settings.set(name, std::move(texts));
  }
  return settings;
}

Json edit_to_json(const Edit& edit) {
  Json json = {{"kind", info_of(edit.kind).name}, {"name", edit.name}, {"settings", settings_to_json(edit.settings)}};
  for (const auto& [name, action] : actions) {
    if (action == edit.action) json["do"] = name;
  }
  return json;
}

Result<Edit> edit_from_json(const Json& json) {
  Edit edit;
  const std::string action = STRATA_TRY(text_field(json, "do")), kind = STRATA_TRY(text_field(json, "kind"));
  const KindInfo* info = find_kind(kind);
  if (!info) return fail(ErrorCode::bad_data, "there is no kind '{}'", kind);
  edit.kind = info->kind;
  edit.name = STRATA_TRY(text_field(json, "name"));
  edit.settings = STRATA_TRY(settings_from_json(json, "settings"));
  for (const auto& [name, value] : actions) {
    if (name != action) continue;
    edit.action = value;
    return edit;
  }
  return fail(ErrorCode::bad_data, "'{}' is not one of add, set, remove", action);
}

}  // namespace strata::network
