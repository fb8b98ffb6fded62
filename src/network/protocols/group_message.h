// IGMP and MLD messages: who listens to which multicast groups (RFC 1112, 2236, 3376, 2710, 3810).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "network/bridge/mac_address.h"
#include "network/protocols/time.h"
#include "network/protocols/wire.h"

namespace strata::network::protocols {

/// An IPv6 group; IPv4 ones as ::ffff:a.b.c.d.
using GroupAddress = std::array<uint8_t, 16>;

GroupAddress ipv4_group(uint32_t address);
bool is_ipv4_group(const GroupAddress& group);
/// Where frames to the group go: 32 IPv4 groups, and many IPv6 ones, share an address (RFC 1112, 6.4; RFC 2464, 7).
bridge::MacAddress mac_of_group(const GroupAddress& group);

struct GroupMessage {
  enum class Kind : uint8_t { query, report };
  struct Record {
    GroupAddress group;
    bool joins;  ///< wants some sources or all; else it wants none any more
  };

  Kind kind = Kind::query;
  bool is_ipv6 = false;

  // Of a query.
  bool names_querier = false;                       ///< its source is an address of somebody (RFC 4541, 2.1.1)
  std::optional<GroupAddress> group;                ///< nothing: a general query
  Time max_response_time{};                         ///< hosts answer within
  uint8_t robustness = 2;                           ///< QRV
  Time query_interval = std::chrono::seconds(125);  ///< QQIC

  // Of a report, a leave or a done message.
  std::vector<Record> records;
};

/// `frame` begins with the addresses and has no tag. Nothing where it is damaged or another kind of message.
std::optional<GroupMessage> decode_group_message(Bytes frame);

}  // namespace strata::network::protocols
