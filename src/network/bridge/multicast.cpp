// Recognizing IGMP, MLD and the groups that they manage.
#include "network/bridge/multicast.h"

#include "base/bits.h"

namespace strata::network::bridge {

namespace {

constexpr std::size_t type_size = 2;

bool is_igmp(std::span<const std::byte> packet) { return packet.size() >= 20 && packet[9] == std::byte{2}; }

// MLD messages stand behind a hop-by-hop header with the router alert option (RFC 3810, 5).
bool is_mld(std::span<const std::byte> packet) {
  constexpr std::size_t ipv6_header = 40;
  if (packet.size() < ipv6_header + 8 || packet[6] != std::byte{0}) return false;
  const auto options = packet.subspan(ipv6_header);
  const std::size_t length = 8 * (1 + std::to_integer<std::size_t>(options[1]));
  if (options[0] != std::byte{58} || options.size() <= length) return false;
  const auto type = std::to_integer<unsigned>(options[length]);
  return (type >= 130 && type <= 132) || type == 143;
}

}  // namespace

bool is_group_management(std::span<const std::byte> body) {
  if (body.size() < type_size) return false;
  const auto packet = body.subspan(type_size);
  switch (load_be<std::uint16_t>(body.data())) {
    case 0x0800: return is_igmp(packet);
    case 0x86dd: return is_mld(packet);
    default: return false;
  }
}

bool is_filtered_when_unregistered(MacAddress group) {
  const std::uint64_t value = group.value();
  if (value >> 24 == 0x01005e) return (value & 0x7f'ff00) != 0;
  return value >> 32 == 0x3333 && value != 0x3333'0000'0001;
}

}  // namespace strata::network::bridge
