// VLAN sets as text.
#include "network/bridge/vlan.h"

#include <charconv>
#include <optional>

namespace strata::network::bridge {

namespace {

std::optional<Vid> parse_vid(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value > 0xffff) return std::nullopt;
  return static_cast<Vid>(value);
}

Result<void> add_range(VlanSet& vlans, std::string_view item) {
  const auto dash = item.find('-');
  const auto first = parse_vid(item.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : parse_vid(item.substr(dash + 1));
  if (!first || !last)
    return fail(ErrorCode::usage, "'{}' is no VLAN and no range of VLANs; write them like 10,20-29", item);
  if (!is_vlan(*first) || !is_vlan(*last))
    return fail(ErrorCode::usage, "VLAN {} in '{}': VLANs are 1 to 4094", is_vlan(*first) ? *last : *first, item);
  if (*first > *last) return fail(ErrorCode::usage, "the range '{}' ends before it begins", item);
  for (unsigned vid = *first; vid <= *last; ++vid) {
    if (vlans.contains(vid)) return fail(ErrorCode::usage, "VLAN {} is named twice", vid);
    vlans.add(vid);
  }
  return {};
}

}  // namespace

Result<VlanSet> parse_vlans(std::string_view text) {
  VlanSet vlans;
  while (!text.empty()) {
    const auto comma = text.find(',');
    STRATA_TRY(add_range(vlans, text.substr(0, comma)));
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
    if (text.empty()) return fail(ErrorCode::usage, "a VLAN is missing after the last comma");
  }
  return vlans;
}

std::string to_string(const VlanSet& vlans) {
  std::string text;
  unsigned vid = 0;
  while (vid < 4096) {
    if (!vlans.contains(vid)) {
      ++vid;
      continue;
    }
    const unsigned first = vid;
    while (vid < 4096 && vlans.contains(vid)) ++vid;
    if (!text.empty()) text += ',';
    text += vid - 1 == first ? fmt::format("{}", first) : fmt::format("{}-{}", first, vid - 1);
  }
  return text;
}

}  // namespace strata::network::bridge
