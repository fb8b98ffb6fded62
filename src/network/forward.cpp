// The text form of a port forward.
#include "network/forward.h"

#include <arpa/inet.h>

#include <charconv>
#include <cstring>
#include <vector>

namespace strata::network {
namespace {

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  for (;;) {
    const size_t end = text.find(at);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

Result<uint16_t> parse_port(std::string_view text, std::string_view whole) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error == std::errc() && end == text.data() + text.size() && port != 0) return port;
  return fail(ErrorCode::usage, "forward={}: '{}' is no port; ports are 1 to 65535", whole, text);
}

}  // namespace

Result<Forward> parse_forward(std::string_view text) {
  const auto parts = split(text, ':');
  if (parts.size() < 3 || parts.size() > 4 || (parts[0] != "tcp" && parts[0] != "udp")) {
    return fail(ErrorCode::usage,
                "forward={} is not PROTOCOL:[ADDRESS:]HOST-PORT:GUEST-PORT with tcp or udp, such as tcp:8080:80", text);
  }
  Forward forward;
  forward.protocol = parts[0] == "udp" ? Forward::Protocol::udp : Forward::Protocol::tcp;
  if (parts.size() == 4) {
    const std::string address(parts[1]);
    if (inet_pton(AF_INET, address.c_str(), forward.host_address.data()) != 1) {
      return fail(ErrorCode::usage, "forward={}: '{}' is no IPv4 address of this host, such as 127.0.0.1 or 0.0.0.0",
                  text, address);
    }
  }
  forward.host_port = STRATA_TRY(parse_port(parts[parts.size() - 2], text));
  forward.guest_port = STRATA_TRY(parse_port(parts[parts.size() - 1], text));
  return forward;
}

std::string to_string(const Forward& forward) {
  const auto& address = forward.host_address;
  return fmt::format("{}:{}.{}.{}.{}:{}:{}", forward.protocol == Forward::Protocol::udp ? "udp" : "tcp", address[0],
                     address[1], address[2], address[3], forward.host_port, forward.guest_port);
}

}  // namespace strata::network
