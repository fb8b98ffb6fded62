// DNS messages with one question (RFC 1035), as far as a resolver for a few names of its own needs them.
#pragma once

#include <optional>
#include <string>

#include "network/services/packet.h"

namespace strata::network::services {

inline constexpr uint16_t dns_port = 53;

enum class DnsType : uint16_t { a = 1, ptr = 12, aaaa = 28 };
enum class DnsCode : uint8_t { no_error = 0, server_failure = 2, no_such_name = 3 };

struct DnsQuery {
  uint16_t id = 0;
  bool recursion_desired = false;
  std::string name;  ///< in small letters, without the dot at the end
  uint16_t type = 0;
  Bytes question;  ///< name, type and class as they came
};

/// nullopt for answers, for other classes than the Internet's, and for what is damaged.
[[nodiscard]] std::optional<DnsQuery> read_dns_query(Bytes payload);

/// With an address, with a name, or with neither.
[[nodiscard]] Frame make_dns_answer(const DnsQuery& query, Ipv4 address);
[[nodiscard]] Frame make_dns_answer(const DnsQuery& query, std::string_view name);
[[nodiscard]] Frame make_dns_answer(const DnsQuery& query, DnsCode code);

/// The address in "15.2.0.10.in-addr.arpa".
[[nodiscard]] std::optional<Ipv4> address_of_reverse_name(std::string_view name);

}  // namespace strata::network::services
