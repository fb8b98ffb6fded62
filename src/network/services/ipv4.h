// IPv4 addresses and networks as numbers, and as people write them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "network/bridge/mac_address.h"

namespace strata::network::services {

using bridge::MacAddress;
inline constexpr MacAddress broadcast_mac{0xffff'ffff'ffff};

/// In the host's byte order: 10.0.2.15 is 0x0a00020f.
using Ipv4 = uint32_t;
inline constexpr Ipv4 broadcast_ipv4 = 0xffffffff;

/// An address and the length of its network's prefix: 10.0.0.1/24.
struct Ipv4Network {
  Ipv4 address = 0;
  unsigned prefix = 24;

  Ipv4 mask() const { return prefix == 0 ? 0 : ~uint32_t{0} << (32 - prefix); }
  Ipv4 first() const { return address & mask(); }
  Ipv4 last() const { return address | ~mask(); }
  bool contains(Ipv4 other) const { return (other & mask()) == first(); }
  bool operator==(const Ipv4Network&) const = default;
};

struct Ipv4Range {
  Ipv4 first = 0, last = 0;
  uint32_t size() const { return last - first + 1; }
  bool contains(Ipv4 address) const { return address >= first && address <= last; }
  bool operator==(const Ipv4Range&) const = default;
};

[[nodiscard]] Result<Ipv4> parse_ipv4(std::string_view text);
/// FIRST-LAST, at most 4,096 addresses.
[[nodiscard]] Result<Ipv4Range> parse_ipv4_range(std::string_view text);
[[nodiscard]] Result<Ipv4Network> parse_ipv4_network(std::string_view text);

[[nodiscard]] std::string ipv4_text(Ipv4 address);
[[nodiscard]] std::string ipv4_text(const Ipv4Network& network);
[[nodiscard]] std::string ipv4_text(const Ipv4Range& range);

}  // namespace strata::network::services
