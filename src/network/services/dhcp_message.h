// DHCP messages: fields and options of RFC 2131 and 2132, read from a datagram and written to one.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "network/services/packet.h"

namespace strata::network::services {

inline constexpr uint16_t dhcp_server_port = 67, dhcp_client_port = 68;

enum class DhcpType : uint8_t { discover = 1, offer, request, decline, ack, nak, release, inform };

/// What a client says.
struct DhcpRequest {
  DhcpType type = DhcpType::discover;
  uint32_t transaction = 0;
  uint16_t seconds = 0;
  bool broadcast = false;  ///< cannot take a unicast before it has its address
  Ipv4 client = 0;         ///< ciaddr: the address it uses
  Ipv4 relay = 0;          ///< giaddr
  MacAddress mac;
  std::optional<Ipv4> requested, server;
  std::vector<std::byte> client_id;  ///< option 61, as it came; empty: none
  std::string host_name;             ///< of letters, digits and '-' only; else empty
};

/// What the server says. Addresses of 0 and empty texts leave the option out.
struct DhcpReply {
  DhcpType type = DhcpType::offer;
  uint32_t transaction = 0;  ///< of the request that it answers; set by reading
  MacAddress mac;            ///< of the client that it is for; set by reading
  Ipv4 yours = 0;
  Ipv4 server = 0;
  std::optional<uint32_t> lease_seconds;
  Ipv4 mask = 0, router = 0;
  std::vector<Ipv4> name_servers;
  std::string domain, host_name;
  uint16_t mtu = 0;
};

// The server's side.
[[nodiscard]] std::optional<DhcpRequest> read_dhcp(Bytes payload);
[[nodiscard]] Frame write_dhcp(const DhcpReply& reply, const DhcpRequest& request);

// The client's side.
[[nodiscard]] std::optional<DhcpReply> read_dhcp_reply(Bytes payload);
[[nodiscard]] Frame write_dhcp_request(const DhcpRequest& request);

}  // namespace strata::network::services
