// DHCP messages of a client (RFC 2131, RFC 2132): made, and read.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace strata::init {

/// IPv4 addresses in host order: 10.0.2.15 is 0x0a00020f.
struct Lease {
  std::uint32_t address = 0;
  std::uint32_t mask = 0xffffff00;
  std::uint32_t router = 0;   ///< 0: none
  std::uint32_t server = 0;   ///< who gave it
  std::uint32_t seconds = 0;  ///< how long it holds; 0: not told
  std::array<std::uint32_t, 3> name_servers{};
  unsigned name_server_count = 0;
};

enum class DhcpType : std::uint8_t { discover = 1, offer = 2, request = 3, ack = 5, nak = 6 };

inline constexpr std::size_t dhcp_size = 300;  ///< BOOTP's, below which some servers do not answer

struct DhcpRequest {
  DhcpType type;
  std::uint32_t id;  ///< of the exchange
  std::array<std::uint8_t, 6> mac;
  const Lease* lease = nullptr;  ///< that is asked for
  bool renewing = false;         ///< it is ours already: the client has the address
};
std::array<std::uint8_t, dhcp_size> make_dhcp(const DhcpRequest& request);

struct DhcpReply {
  DhcpType type;
  Lease lease;
};
/// nullopt: no reply to that exchange, or damaged.
std::optional<DhcpReply> read_dhcp(std::span<const std::uint8_t> message, std::uint32_t id);

}  // namespace strata::init
