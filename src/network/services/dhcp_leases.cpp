// Choosing addresses (RFC 2131, section 4.3.1) and remembering who has them.
#include "network/services/dhcp_leases.h"

#include <algorithm>
#include <sstream>

namespace strata::network::services {
namespace {

constexpr int64_t decline_seconds = 600;

}  // namespace

DhcpLeases::DhcpLeases(Ipv4Range range, std::vector<DhcpHost> fixed, const std::vector<Ipv4>& reserved)
    : range_(range), fixed_(std::move(fixed)), not_free_(reserved.begin(), reserved.end()) {
  for (const DhcpHost& host : fixed_) not_free_.insert(host.address);
}

const DhcpHost* DhcpLeases::fixed_host(MacAddress mac) const {
  const auto found = std::find_if(fixed_.begin(), fixed_.end(), [&](const DhcpHost& host) { return host.mac == mac; });
  return found == fixed_.end() ? nullptr : &*found;
}

const DhcpHost* DhcpLeases::fixed_host(std::string_view name) const {
  const auto found =
      std::find_if(fixed_.begin(), fixed_.end(), [&](const DhcpHost& host) { return host.name == name; });
  return found == fixed_.end() ? nullptr : &*found;
}

bool DhcpLeases::free_for_all(Ipv4 address) const { return range_.contains(address) && !not_free_.contains(address); }

bool DhcpLeases::may_have(const std::string& client, MacAddress mac, Ipv4 address, int64_t now) const {
  if (const DhcpHost* host = fixed_host(mac)) return host->address == address;
  if (!free_for_all(address)) return false;
  const auto lease = leases_.find(address);
  return lease == leases_.end() || lease->second.client == client || lease->second.expires <= now;
}

std::optional<Ipv4> DhcpLeases::choose(const std::string& client, MacAddress mac, std::optional<Ipv4> wish,
                                       int64_t now) const {
  if (const DhcpHost* host = fixed_host(mac)) return host->address;
  for (const auto& [address, lease] : leases_) {
    if (lease.client == client && may_have(client, mac, address, now)) return address;
  }
  if (wish && may_have(client, mac, *wish, now)) return wish;
  for (uint64_t address = range_.first; address <= range_.last; ++address) {
    const auto candidate = static_cast<Ipv4>(address);
    if (!leases_.contains(candidate) && free_for_all(candidate)) return candidate;
  }
  const DhcpLease* oldest = nullptr;
  for (const auto& [address, lease] : leases_) {
    if (may_have(client, mac, address, now) && (!oldest || lease.expires < oldest->expires)) oldest = &lease;
  }
  return oldest ? std::optional(oldest->address) : std::nullopt;
}

void DhcpLeases::take(DhcpLease lease) {
  // One address a client: what it was offered or had before goes back.
  std::erase_if(leases_,
                [&](const auto& each) { return each.second.client == lease.client && each.first != lease.address; });
  leases_[lease.address] = std::move(lease);
}

void DhcpLeases::release(const std::string& client, Ipv4 address, int64_t now) {
  const auto lease = leases_.find(address);
  if (lease != leases_.end() && lease->second.client == client) lease->second.expires = now;
}

void DhcpLeases::decline(const std::string& client, Ipv4 address, int64_t now) {
  const auto lease = leases_.find(address);
  if (lease == leases_.end() || lease->second.client != client) return;  // not offered to it: anybody could block all
  lease->second = {address, {}, "declined-" + ipv4_text(address), "", now + decline_seconds};
}

std::string DhcpLeases::text() const {
  std::string lines;
  for (const auto& [address, lease] : leases_) {
    lines += fmt::format("{} {} {} {} {}\n", ipv4_text(address), to_string(lease.mac), lease.client, lease.expires,
                         lease.host_name.empty() ? "-" : lease.host_name);
  }
  return lines;
}

void DhcpLeases::load(std::string_view text) {
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string address, mac, client, name;
    DhcpLease lease;
    if (!(words >> address >> mac >> client >> lease.expires >> name)) continue;
    const auto parsed_address = parse_ipv4(address);
    const auto parsed_mac = MacAddress::parse(mac);
    if (!parsed_address || !parsed_mac) continue;
    const DhcpHost* host = fixed_host(*parsed_mac);
    if (!free_for_all(*parsed_address) && !(host && host->address == *parsed_address)) continue;
    lease.address = *parsed_address;
    lease.mac = *parsed_mac;
    lease.client = client;
    if (name != "-") lease.host_name = name;
    take(std::move(lease));
  }
}

}  // namespace strata::network::services
