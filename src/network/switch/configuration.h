// Configuration: everything that a user has said about a network, and its forms: TOML, changes, difference.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "network/switch/settings.h"

namespace strata::network {

/// Parts of one kind by name. Access lists are judged in this order.
using Parts = std::map<std::string, Settings, NaturalLess>;

class Configuration {
 public:
  Configuration() { parts(PartKind::options).emplace(options_name, Settings()); }

  Parts& parts(PartKind kind) { return parts_[static_cast<size_t>(kind)]; }
  const Parts& parts(PartKind kind) const { return parts_[static_cast<size_t>(kind)]; }
  /// Of the network itself: the one part of that kind, always there, mostly without settings.
  const Settings& options() const { return parts(PartKind::options).begin()->second; }
  bool operator==(const Configuration&) const = default;

 private:
  std::array<Parts, std::size(part_kinds)> parts_;
};

/// One change that a user asks for. A value list that is empty takes the setting back.
struct Edit {
  enum class Action : uint8_t { add, set, remove };
  Action action = Action::set;
  PartKind kind = PartKind::port;
  std::string name;
  Settings settings;
};

/// The error names the part and what is there or not.
[[nodiscard]] Result<void> apply_edit(Configuration& configuration, const Edit& edit);

/// `source` stands in errors, with the line: "lab.toml:7: port p1: …". Says only whether these are settings at all; what
/// they come to, make_plan() says.
[[nodiscard]] Result<Configuration> parse_configuration(std::string_view toml, std::string_view source);
/// What parse_configuration() reads, in an order that does not change.
[[nodiscard]] std::string to_toml(const Configuration& configuration);

/// What makes `after` of `before`, a line each: "+ port p1: vlan 10, tap t0", "~ port p1: vlan 10 -> 20", "- port p1".
[[nodiscard]] std::vector<std::string> difference(const Configuration& before, const Configuration& after);

/// What a change comes to.
struct Changes {
  std::vector<std::string> lines;  ///< as difference() tells them
  uint64_t revision = 0;           ///< of the configuration that holds now; 0 where the network does not run
};

}  // namespace strata::network
