// Numbers, VLANs and rates as users write them.
#include "network/switch/values.h"

#include <charconv>

namespace strata::network {

Result<uint64_t> parse_number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size())
    return fail(ErrorCode::usage, "'{}' is no number", text);
  return value;
}

Result<uint64_t> number_setting(const Settings& settings, std::string_view name, uint64_t least, uint64_t most,
                                uint64_t otherwise) {
  if (!settings.has(name)) return otherwise;
  const auto value = parse_number(settings.text(name));
  if (value && *value >= least && *value <= most) return *value;
  return fail(ErrorCode::usage, "{} '{}' is no number from {} to {}", name, settings.text(name), least, most);
}

Result<bridge::Vid> vlan_setting(const Settings& settings, std::string_view name, bridge::Vid otherwise) {
  if (!settings.has(name)) return otherwise;
  const auto value = parse_number(settings.text(name));
  if (value && *value >= 1 && *value < bridge::reserved_vid) return static_cast<bridge::Vid>(*value);
  return fail(ErrorCode::usage, "{} '{}' is no VLAN: they have numbers from 1 to 4094", name, settings.text(name));
}

Result<bridge::VlanSet> vlans_setting(const Settings& settings, std::string_view name) {
  const std::string_view text = settings.text(name);
  if (text.empty() || text == "none") return bridge::VlanSet{};
  return with_context(bridge::parse_vlans(text == "all" ? "1-4094" : text), "{}", name);
}

Result<uint64_t> rate_setting(const Settings& settings, std::string_view name) {
  if (!settings.has(name)) return 0;
  std::string_view text = settings.text(name);
  uint64_t unit = 1;
  switch (text.empty() ? ' ' : text.back()) {
    case 'k':
    case 'K': unit = 1'000; break;
    case 'M': unit = 1'000'000; break;
    case 'G': unit = 1'000'000'000; break;
    default: break;
  }
  if (unit != 1) text.remove_suffix(1);
  const auto value = parse_number(text);
  constexpr uint64_t most = 1'000'000'000'000;
  if (value && *value <= most / unit) return *value * unit;
  return fail(ErrorCode::usage, "{} '{}' is no rate in bits a second such as 64k, 100M or 10G", name,
              settings.text(name));
}

Result<NumberPairs> pairs_setting(const Settings& settings, std::string_view name, unsigned most_left,
                                  unsigned most_right) {
  NumberPairs pairs;
  std::string_view rest = settings.text(name);
  while (!rest.empty()) {
    const std::string_view part = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    const size_t equals = std::min(part.find('='), part.size());
    const auto left = parse_number(part.substr(0, equals));
    const auto right = parse_number(part.substr(std::min(equals + 1, part.size())));
    if (!left || !right || *left > most_left || *right > most_right) {
      return fail(ErrorCode::usage, "{} '{}' is not A=B with A from 0 to {} and B from 0 to {}", name, part, most_left,
                  most_right);
    }
    pairs.emplace_back(static_cast<unsigned>(*left), static_cast<unsigned>(*right));
  }
  return pairs;
}

}  // namespace strata::network
