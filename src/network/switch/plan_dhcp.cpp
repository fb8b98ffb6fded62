// The switch's own host in a VLAN: its address, and what it gives to others.
#include <set>

#include "network/switch/plan_parts.h"
#include "network/switch/values.h"

namespace strata::network {
namespace {

using services::DhcpHost;
using services::DhcpOptions;
using services::Ipv4;

/// MAC=ADDRESS[=NAME].
Result<DhcpHost> fixed_host(std::string_view text, const DhcpOptions& options) {
  const size_t first = std::min(text.find('='), text.size());
  const size_t second = std::min(text.find('=', std::min(first + 1, text.size())), text.size());
  DhcpHost host;
  host.mac = STRATA_TRY(with_context(bridge::MacAddress::parse(text.substr(0, first)), "host {}", text));
  if (first == text.size()) return fail(ErrorCode::usage, "host '{}' is not MAC=ADDRESS[=NAME]", text);
  host.address =
      STRATA_TRY(with_context(services::parse_ipv4(text.substr(first + 1, second - first - 1)), "host {}", text));
  if (second < text.size()) host.name = text.substr(second + 1);
  if (host.name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") !=
      std::string::npos) {
    return fail(ErrorCode::usage, "host '{}': '{}' is no host's name: letters, digits and '-' are", text, host.name);
  }
  if (!options.server.contains(host.address) || host.address == options.server.address) {
    return fail(ErrorCode::usage, "host '{}': {} is not free in {}", text, services::ipv4_text(host.address),
                services::ipv4_text(options.server));
  }
  return host;
}

Result<void> add_hosts(DhcpOptions& options, const Settings& settings) {
  std::set<Ipv4> addresses;
  std::set<bridge::MacAddress> macs;
  for (const std::string& text : settings.list("host")) {
    DhcpHost host = STRATA_TRY(fixed_host(text, options));
    if (!addresses.insert(host.address).second || !macs.insert(host.mac).second) {
      return fail(ErrorCode::usage, "host '{}': the MAC or the address is another host's already", text);
    }
    options.hosts.push_back(std::move(host));
  }
  return {};
}

Result<void> set_addresses(DhcpOptions& options, const Settings& settings) {
  options.range = STRATA_TRY(with_context(services::parse_ipv4_range(settings.text("range")), "range"));
  if (settings.has("address")) {
    options.server = STRATA_TRY(with_context(services::parse_ipv4_network(settings.text("address")), "address"));
  } else {  // the first address of the range's /24
    options.server = {(options.range.first & 0xffffff00) | 1, 24};
  }
  for (const Ipv4 end : {options.range.first, options.range.last}) {
    if (options.server.contains(end)) continue;
    return fail(ErrorCode::usage, "range {}: {} is not in the network of address {}", settings.text("range"),
                services::ipv4_text(end), services::ipv4_text(options.server));
  }
  if (options.server.prefix > 30) {
    return fail(ErrorCode::usage, "address {} leaves no room for others; a prefix up to 30 does",
                services::ipv4_text(options.server));
  }
  if (settings.has("router")) {
    options.router = STRATA_TRY(with_context(services::parse_ipv4(settings.text("router")), "router"));
  }
  for (const std::string& text : settings.list("dns")) {
    options.name_servers.push_back(STRATA_TRY(with_context(services::parse_ipv4(text), "dns")));
  }
  if (options.name_servers.empty()) options.name_servers.push_back(options.server.address);
  return {};
}

}  // namespace

Result<DhcpPlan> make_dhcp(std::string_view name, const Settings& settings) {
  const auto vlan = parse_number(name);
  if (!vlan || *vlan < 1 || *vlan >= bridge::reserved_vid) {
    return fail(ErrorCode::usage, "'{}' is no VLAN: they have numbers from 1 to 4094", name);
  }
  if (!settings.has("range")) return fail(ErrorCode::usage, "range is missing: FIRST-LAST, the addresses to give");
  DhcpPlan plan;
  plan.vlan = static_cast<bridge::Vid>(*vlan);
  STRATA_TRY(set_addresses(plan.options, settings));
  plan.options.domain = settings.text("domain");
  plan.options.lease_seconds =
      static_cast<uint32_t>(STRATA_TRY(number_setting(settings, "lease", 60, 31'536'000, 3600)));
  plan.options.mtu = static_cast<uint16_t>(STRATA_TRY(number_setting(settings, "mtu", 68, 9216, 0)));
  STRATA_TRY(add_hosts(plan.options, settings));
  return plan;
}

}  // namespace strata::network
