// SettingOptions: a table of settings as options of a command.
#pragma once

#include <deque>
#include <vector>

#include "cli/commands.h"
#include "control/network_commands.h"

namespace strata::cli {

/// --vlan 10, --qinq, --no-qinq. Outlives the command.
class SettingOptions {
 public:
  void add_to(CLI::App& command, control::PartKind kind);
  /// Adds --default SETTING, too: the setting is as if it had never been given.
  void add_changes_to(CLI::App& command, control::PartKind kind);
  /// Those that were given.
  control::Settings given() const;

 private:
  struct Given {
    const control::SettingInfo* setting;
    std::vector<std::string> values;
  };
  std::deque<Given> options_;  // CLI11 keeps references into it
  std::vector<std::string> defaults_;
};

}  // namespace strata::cli
