// Reading the values of settings; errors name the setting, the value and what would be right.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "network/bridge/vlan.h"
#include "network/switch/settings.h"

namespace strata::network {

/// The setting, or `otherwise` where it is not set.
[[nodiscard]] Result<uint64_t> number_setting(const Settings& settings, std::string_view name, uint64_t least,
                                              uint64_t most, uint64_t otherwise);
[[nodiscard]] Result<bridge::Vid> vlan_setting(const Settings& settings, std::string_view name, bridge::Vid otherwise);
/// "10,20-29", "none", "all".
[[nodiscard]] Result<bridge::VlanSet> vlans_setting(const Settings& settings, std::string_view name);
/// Bits a second: 1000, 64k, 100M, 10G (powers of 1000); 0 where it is not set.
[[nodiscard]] Result<uint64_t> rate_setting(const Settings& settings, std::string_view name);
/// "0=1,7=6": pairs of numbers.
using NumberPairs = std::vector<std::pair<unsigned, unsigned>>;
[[nodiscard]] Result<NumberPairs> pairs_setting(const Settings& settings, std::string_view name, unsigned most_left,
                                                unsigned most_right);

[[nodiscard]] Result<uint64_t> parse_number(std::string_view text);

}  // namespace strata::network
