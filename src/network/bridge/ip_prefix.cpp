// IP prefixes as text.
#include <arpa/inet.h>

#include <charconv>

#include "network/bridge/acl.h"

namespace strata::network::bridge {

Result<IpPrefix> IpPrefix::parse(std::string_view text) {
  const auto slash = text.find('/');
  const std::string address(text.substr(0, slash));
  IpPrefix prefix{.v6 = address.find(':') != std::string::npos};
  if (inet_pton(prefix.v6 ? AF_INET6 : AF_INET, address.c_str(), prefix.address.data()) != 1)
    return fail(ErrorCode::usage, "'{}' is no IP prefix; write it like 10.1.0.0/16 or 2001:db8::/32", text);
  const unsigned most = prefix.v6 ? 128 : 32;
  unsigned length = most;
  if (slash != std::string_view::npos) {
    const auto bits = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(bits.data(), bits.data() + bits.size(), length);
    if (error != std::errc{} || end != bits.data() + bits.size() || length > most)
      return fail(ErrorCode::usage, "prefix length '{}' in '{}'; 0 to {} are possible", bits, text, most);
  }
  prefix.length = static_cast<std::uint8_t>(length);
  return prefix;
}

std::string to_string(const IpPrefix& prefix) {
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(prefix.v6 ? AF_INET6 : AF_INET, prefix.address.data(), text, sizeof text);
  return fmt::format("{}/{}", text, prefix.length);
}

}  // namespace strata::network::bridge
