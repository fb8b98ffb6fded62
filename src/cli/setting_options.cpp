// Options made of settings.
#include "cli/setting_options.h"

namespace strata::cli {

void SettingOptions::add_to(CLI::App& command, control::PartKind kind) {
  for (const control::SettingInfo& setting : control::settings_of(kind)) {
    Given& given = options_.emplace_back(Given{&setting, {}});
    const std::string name(setting.name), help(setting.help);
    if (setting.argument.empty()) {
      const auto set = [&given](std::int64_t value) { given.values = {value < 0 ? "false" : "true"}; };
      command.add_flag_function("--" + name + ",!--no-" + name, set, help);
      continue;
    }
    auto* option = command.add_option("--" + name, given.values, help)->type_name(std::string(setting.argument));
    const bool is_list = setting.kind == network::ValueKind::list;
    option->allow_extra_args(false)->multi_option_policy(is_list ? CLI::MultiOptionPolicy::TakeAll
                                                                 : CLI::MultiOptionPolicy::TakeLast);
  }
}

void SettingOptions::add_changes_to(CLI::App& command, control::PartKind kind) {
  add_to(command, kind);
  command.add_option("--default", defaults_, "this setting as if it had never been given")
      ->type_name("SETTING")
      ->allow_extra_args(false);
}

control::Settings SettingOptions::given() const {
  control::Settings settings;
  for (const std::string& name : defaults_) settings.set(name, std::vector<std::string>{});
  for (const Given& given : options_) {
    if (!given.values.empty()) settings.set(given.setting->name, given.values);
  }
  return settings;
}

}  // namespace strata::cli
