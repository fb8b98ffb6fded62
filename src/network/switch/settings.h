// What can be said of a network and its parts: the one table of settings that command line, TOML and control protocol
// share.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace strata::network {

/// Kinds of parts; each part has a name and settings. `options` is the network itself, and has but one part.
enum class PartKind : uint8_t { options, port, mirror, acl, dhcp };
inline constexpr PartKind part_kinds[] = {PartKind::options, PartKind::port, PartKind::mirror, PartKind::acl,
                                          PartKind::dhcp};
inline constexpr std::string_view options_name = "switch";

/// How a value stands in TOML.
enum class ValueKind : uint8_t { text, number, flag, list };

/// Of the settings of one group, only those of one alternative go together: to set one removes the others.
struct Alternative {
  uint8_t group = 0;  ///< 0: goes with everything
  uint8_t number = 0;
};

struct SettingInfo {
  std::string_view name;      ///< --name, or a key in TOML
  std::string_view argument;  ///< for the help; empty for flags
  std::string_view help;
  ValueKind kind = ValueKind::text;
  Alternative alternative = {};
};

struct KindInfo {
  PartKind kind;
  std::string_view name;  ///< "port", and the table [port.NAME] in TOML
  std::span<const SettingInfo> settings;
};

[[nodiscard]] const KindInfo& info_of(PartKind kind);
[[nodiscard]] const KindInfo* find_kind(std::string_view name);
[[nodiscard]] const SettingInfo* find_setting(PartKind kind, std::string_view name);

/// Orders "p2" before "p10".
struct NaturalLess {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const;
};

/// Values by the name of the setting, as the user writes them; lists have any number, flags are "true" or "false".
class Settings {
 public:
  using Map = std::map<std::string, std::vector<std::string>, std::less<>>;

  bool has(std::string_view name) const { return values_.contains(name); }
  /// Empty if it is not set.
  std::string_view text(std::string_view name) const;
  bool flag(std::string_view name, bool otherwise = false) const;
  const std::vector<std::string>& list(std::string_view name) const;

  void set(std::string_view name, std::vector<std::string> values);
  void set(std::string_view name, std::string_view value) { set(name, std::vector{std::string(value)}); }
  void remove(std::string_view name);
  bool empty() const { return values_.empty(); }
  const Map& all() const { return values_; }
  bool operator==(const Settings&) const = default;

 private:
  Map values_;
};

/// Whether the table knows these settings, their values are of the right kind, and no two of them exclude each other.
/// Errors name the setting.
[[nodiscard]] Result<void> check_settings(PartKind kind, const Settings& settings);

/// Sets `changes`, and removes what they exclude; a change to no value removes the setting. Nothing is changed on error.
[[nodiscard]] Result<void> change_settings(PartKind kind, Settings& settings, const Settings& changes);

}  // namespace strata::network
