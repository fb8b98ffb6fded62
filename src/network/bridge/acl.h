// Access lists: rules on addresses, VLAN, EtherType, IP, protocol and ports, of which the first that matches decides.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "network/bridge/mac_address.h"
#include "network/bridge/vlan.h"

namespace strata::network::bridge {

struct MacMatch {
  MacAddress address;
  MacAddress mask{0xffff'ffff'ffff};
  bool operator==(const MacMatch&) const = default;
};

/// 10.1.0.0/16, 2001:db8::/32.
struct IpPrefix {
  bool v6 = false;
  std::array<std::byte, 16> address{};  ///< IPv4 in the first four
  std::uint8_t length = 0;              ///< bits, up to 32 or 128

  static Result<IpPrefix> parse(std::string_view text);
  bool contains(std::span<const std::byte> octets) const;  ///< of the same family
  bool operator==(const IpPrefix&) const = default;
};
std::string to_string(const IpPrefix& prefix);

struct NumberRange {
  std::uint16_t first = 0;
  std::uint16_t last = 0xffff;
  constexpr bool contains(std::uint16_t number) const { return first <= number && number <= last; }
  bool operator==(const NumberRange&) const = default;
};

/// What is left out matches everything. EtherType and IP are those behind all tags.
struct AclRule {
  enum class Action : std::uint8_t { permit, deny };

  Action action = Action::deny;
  std::optional<MacMatch> source;
  std::optional<MacMatch> destination;
  std::optional<NumberRange> vlans;
  std::optional<std::uint16_t> ether_type;
  std::optional<IpPrefix> source_ip;
  std::optional<IpPrefix> destination_ip;
  std::optional<std::uint8_t> protocol;  ///< 6 TCP, 17 UDP, 1 ICMP, 58 ICMPv6
  std::optional<NumberRange> source_port;
  std::optional<NumberRange> destination_port;

  bool operator==(const AclRule&) const = default;
};

/// Where no rule matches, a frame is permitted. A frame whose headers are cut or wrong cannot be judged by a rule that
/// reads them: such a rule matches if it denies, and does not if it permits. Later fragments have no ports: a rule on
/// ports does not match them.
using Acl = std::vector<AclRule>;

/// Reasons name the rule by its place, from 1.
Result<void> validate(const Acl& acl);

/// `frame` begins with the addresses; `vid` is what it was classified to.
bool permits(const Acl& acl, Vid vid, std::span<const std::byte> frame);

}  // namespace strata::network::bridge
