// The text form of a port forward.
#include "network/forward.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
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

/// Which of the forwards a removal means.
struct Wanted {
  Forward::Protocol protocol = Forward::Protocol::tcp;
  std::optional<std::array<uint8_t, 4>> address;
  uint16_t host_port = 0;
  std::optional<uint16_t> guest_port;

  bool is(const Forward& forward) const {
    return forward.protocol == protocol && forward.host_port == host_port &&
           (!address || forward.host_address == *address) && (!guest_port || forward.guest_port == *guest_port);
  }
};

bool is_address(std::string_view text) { return text.find('.') != std::string_view::npos; }

Result<Wanted> parse_wanted(std::string_view text) {
  const auto parts = split(text, ':');
  const bool with_address = parts.size() >= 3 && is_address(parts[1]);
  const bool with_guest_port = parts.size() == (with_address ? 4u : 3u);
  if (parts.size() < 2 || parts.size() > 4 || (parts.size() == 4 && !with_address) ||
      (parts[0] != "tcp" && parts[0] != "udp")) {
    return fail(ErrorCode::usage, "forward -{} is not -PROTOCOL:[ADDRESS:]HOST-PORT such as -tcp:8080", text);
  }
  // The whole form with what is left out put in: one place says what is wrong with it.
  const std::string whole = std::string(text) + (with_guest_port ? "" : ":1");
  const Forward forward = STRATA_TRY(parse_forward(whole));
  Wanted wanted = {.protocol = forward.protocol, .address = {}, .host_port = forward.host_port, .guest_port = {}};
  if (with_address) wanted.address = forward.host_address;
  if (with_guest_port) wanted.guest_port = forward.guest_port;
  return wanted;
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

Result<void> change_forward(std::vector<Forward>& forwards, std::string_view change) {
  if (change.starts_with('+')) {
    const Forward added = STRATA_TRY(parse_forward(change.substr(1)));
    if (std::find(forwards.begin(), forwards.end(), added) != forwards.end())
      return fail(ErrorCode::already_exists, "forward={} is there already", to_string(added));
    forwards.push_back(added);
    return {};
  }
  if (!change.starts_with('-')) {
    return fail(ErrorCode::usage, "forward '{}' is neither +tcp:8443:443, which adds one, nor -tcp:8443", change);
  }
  const Wanted wanted = STRATA_TRY(parse_wanted(change.substr(1)));
  const auto is_wanted = [&](const Forward& each) { return wanted.is(each); };
  const auto found = std::find_if(forwards.begin(), forwards.end(), is_wanted);
  if (found == forwards.end()) return fail(ErrorCode::not_found, "there is no forward {}", change.substr(1));
  if (std::find_if(found + 1, forwards.end(), is_wanted) != forwards.end())
    return fail(ErrorCode::usage, "forward {} is there at several addresses; name one: -tcp:127.0.0.1:8080", change);
  forwards.erase(found);
  return {};
}

std::string to_string(const Forward& forward) {
  const auto& address = forward.host_address;
  return fmt::format("{}:{}.{}.{}.{}:{}:{}", forward.protocol == Forward::Protocol::udp ? "udp" : "tcp", address[0],
                     address[1], address[2], address[3], forward.host_port, forward.guest_port);
}

}  // namespace strata::network
