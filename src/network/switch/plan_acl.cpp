// A rule of an access list.
#include <algorithm>

#include "network/switch/plan_parts.h"
#include "network/switch/values.h"

namespace strata::network {
namespace {

using bridge::AclRule;

struct Word {
  std::string_view name;
  uint16_t number;
};
constexpr Word ether_types[] = {{"ip", 0x0800}, {"arp", 0x0806}, {"ip6", 0x86dd}};
constexpr Word protocols[] = {{"icmp", 1}, {"tcp", 6}, {"udp", 17}, {"icmp6", 58}};

template <size_t n>
const Word* find_word(const Word (&words)[n], std::string_view name) {
  const auto* found = std::find_if(words, words + n, [&](const Word& word) { return word.name == name; });
  return found == words + n ? nullptr : found;
}

Result<std::optional<uint16_t>> ether_type(const Settings& settings) {
  if (!settings.has("ethertype")) return std::nullopt;
  const std::string text(settings.text("ethertype"));
  if (const Word* word = find_word(ether_types, text)) return word->number;
  char* end = nullptr;
  const unsigned long value = std::strtoul(text.c_str(), &end, 16);
  if (text.starts_with("0x") && text.size() > 2 && text.size() <= 6 && *end == 0 && value >= 0x600) {
    return static_cast<uint16_t>(value);
  }
  return fail(ErrorCode::usage, "ethertype '{}' is not one of ip, ip6, arp, nor a number such as 0x88cc", text);
}

Result<std::optional<uint8_t>> protocol(const Settings& settings) {
  if (!settings.has("protocol")) return std::nullopt;
  if (const Word* word = find_word(protocols, settings.text("protocol"))) return static_cast<uint8_t>(word->number);
  const auto value = parse_number(settings.text("protocol"));
  if (value && *value <= 255) return static_cast<uint8_t>(*value);
  return fail(ErrorCode::usage, "protocol '{}' is not one of tcp, udp, icmp, icmp6, nor a number up to 255",
              settings.text("protocol"));
}

Result<std::optional<bridge::NumberRange>> range(const Settings& settings, std::string_view name, uint16_t least,
                                                 uint16_t most) {
  if (!settings.has(name)) return std::nullopt;
  const std::string_view text = settings.text(name);
  const size_t dash = std::min(text.find('-'), text.size());
  const auto first = parse_number(text.substr(0, dash));
  const auto last = dash == text.size() ? first : parse_number(text.substr(dash + 1));
  if (!first || !last || *first < least || *last > most || *last < *first) {
    return fail(ErrorCode::usage, "{} '{}' is not N or N-M with numbers from {} to {}", name, text, least, most);
  }
  return bridge::NumberRange{static_cast<uint16_t>(*first), static_cast<uint16_t>(*last)};
}

Result<std::optional<bridge::MacMatch>> mac(const Settings& settings, std::string_view name) {
  if (!settings.has(name)) return std::nullopt;
  const std::string_view text = settings.text(name);
  const size_t slash = std::min(text.find('/'), text.size());
  bridge::MacMatch match;
  match.address = STRATA_TRY(with_context(bridge::MacAddress::parse(text.substr(0, slash)), "{}", name));
  if (slash < text.size()) {
    match.mask = STRATA_TRY(with_context(bridge::MacAddress::parse(text.substr(slash + 1)), "{}", name));
  }
  return match;
}

Result<std::optional<bridge::IpPrefix>> prefix(const Settings& settings, std::string_view name) {
  if (!settings.has(name)) return std::nullopt;
  return STRATA_TRY(with_context(bridge::IpPrefix::parse(settings.text(name)), "{}", name));
}

}  // namespace

Result<AclRule> make_acl_rule(const Settings& settings) {
  AclRule rule;
  const std::string_view action = settings.text("action");
  if (action != "permit" && action != "deny") {
    return fail(ErrorCode::usage, "action '{}' is not one of permit, deny", action);
  }
  rule.action = action == "permit" ? AclRule::Action::permit : AclRule::Action::deny;
  rule.source = STRATA_TRY(mac(settings, "from-mac"));
  rule.destination = STRATA_TRY(mac(settings, "to-mac"));
  rule.vlans = STRATA_TRY(range(settings, "vlan", 1, 4094));
  rule.ether_type = STRATA_TRY(ether_type(settings));
  rule.source_ip = STRATA_TRY(prefix(settings, "from"));
  rule.destination_ip = STRATA_TRY(prefix(settings, "to"));
  rule.protocol = STRATA_TRY(protocol(settings));
  rule.source_port = STRATA_TRY(range(settings, "from-port", 0, 65535));
  rule.destination_port = STRATA_TRY(range(settings, "to-port", 0, 65535));
  return rule;
}

}  // namespace strata::network
