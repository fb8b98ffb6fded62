// DhcpLeases: which client has which address of a range, and for how long.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "network/services/ipv4.h"

namespace strata::network::services {

struct DhcpLease {
  Ipv4 address = 0;
  MacAddress mac;
  std::string client;     ///< its identifier: option 61 or the MAC address, in hexadecimal digits
  std::string host_name;  ///< may be empty
  int64_t expires = 0;  ///< seconds since 1970; a lease that has ended is remembered, so that the client finds it again
};

struct DhcpHost {
  MacAddress mac;
  Ipv4 address = 0;
  std::string name;  ///< may be empty
  bool operator==(const DhcpHost&) const = default;
};

/// Times are seconds since 1970.
class DhcpLeases {
 public:
  /// `reserved`: in the range, perhaps, but the server's or the router's own.
  DhcpLeases(Ipv4Range range, std::vector<DhcpHost> fixed, const std::vector<Ipv4>& reserved);

  /// The address to offer: the client's fixed one, the one it has or had, the one it wishes, the first never used, the
  /// one whose lease ended first. nullopt: all are taken.
  std::optional<Ipv4> choose(const std::string& client, MacAddress mac, std::optional<Ipv4> wish, int64_t now) const;
  /// Whether the client may have exactly this address now.
  bool may_have(const std::string& client, MacAddress mac, Ipv4 address, int64_t now) const;
  void take(DhcpLease lease);
  /// Ends the client's lease of the address, if it has it.
  void release(const std::string& client, Ipv4 address, int64_t now);
  /// Somebody else uses the address: nobody gets it for a while.
  void decline(const std::string& client, Ipv4 address, int64_t now);

  const DhcpHost* fixed_host(MacAddress mac) const;
  const DhcpHost* fixed_host(std::string_view name) const;
  const std::map<Ipv4, DhcpLease>& all() const { return leases_; }
  Ipv4Range range() const { return range_; }

  /// A line for each: ADDRESS MAC CLIENT EXPIRES HOSTNAME|-.
  std::string text() const;
  /// Lines that are damaged, or out of the range by now, are left out.
  void load(std::string_view text);

 private:
  bool free_for_all(Ipv4 address) const;

  Ipv4Range range_;
  std::vector<DhcpHost> fixed_;
  std::set<Ipv4> not_free_;  ///< reserved, or somebody's fixed one
  std::map<Ipv4, DhcpLease> leases_;
};

}  // namespace strata::network::services
