// Reading and writing IPv4 addresses.
#include "network/services/ipv4.h"

#include <arpa/inet.h>

#include <charconv>

namespace strata::network::services {

Result<Ipv4> parse_ipv4(std::string_view text) {
  in_addr address = {};
  if (inet_pton(AF_INET, std::string(text).c_str(), &address) != 1) {
    return fail(ErrorCode::usage, "'{}' is no IPv4 address such as 10.0.10.1", text);
  }
  return ntohl(address.s_addr);
}

Result<Ipv4Range> parse_ipv4_range(std::string_view text) {
  const size_t dash = text.find('-');
  if (dash == std::string_view::npos) {
    return fail(ErrorCode::usage, "'{}' is no range of addresses such as 10.0.10.100-10.0.10.199", text);
  }
  const Ipv4Range range{STRATA_TRY(parse_ipv4(text.substr(0, dash))), STRATA_TRY(parse_ipv4(text.substr(dash + 1)))};
  if (range.last < range.first) return fail(ErrorCode::usage, "the range {} ends before it begins", text);
  if (range.last - range.first >= 4096)
    return fail(ErrorCode::usage, "the range {} has more than 4096 addresses", text);
  return range;
}

Result<Ipv4Network> parse_ipv4_network(std::string_view text) {
  const size_t slash = text.find('/');
  const std::string_view length = slash == std::string_view::npos ? "" : text.substr(slash + 1);
  Ipv4Network network;
  const auto [end, error] = std::from_chars(length.data(), length.data() + length.size(), network.prefix);
  if (length.empty() || error != std::errc{} || end != length.data() + length.size() || network.prefix > 32) {
    return fail(ErrorCode::usage, "'{}' is no address with a prefix such as 10.0.10.1/24", text);
  }
  network.address = STRATA_TRY(parse_ipv4(text.substr(0, slash)));
  return network;
}

std::string ipv4_text(Ipv4 address) {
  return fmt::format("{}.{}.{}.{}", address >> 24, address >> 16 & 255, address >> 8 & 255, address & 255);
}

std::string ipv4_text(const Ipv4Network& network) {
  return fmt::format("{}/{}", ipv4_text(network.address), network.prefix);
}

std::string ipv4_text(const Ipv4Range& range) {
  return fmt::format("{}-{}", ipv4_text(range.first), ipv4_text(range.last));
}

}  // namespace strata::network::services
