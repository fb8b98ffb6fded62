// Forward: a port of the host that leads to a port of the guest.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace strata::network {

struct Forward {
  enum class Protocol : uint8_t { tcp, udp };
  Protocol protocol = Protocol::tcp;
  std::array<uint8_t, 4> host_address = {127, 0, 0, 1};  ///< where the host listens
  uint16_t host_port = 0;
  uint16_t guest_port = 0;

  bool operator==(const Forward&) const = default;
};

/// Reads PROTOCOL:[ADDRESS:]HOST-PORT:GUEST-PORT, such as tcp:8080:80, udp:5353:53 or tcp:0.0.0.0:8080:80. Without an
/// address only programs on this host reach it.
Result<Forward> parse_forward(std::string_view text);

/// "+tcp:8443:443" adds one; "-tcp:8443", "-tcp:127.0.0.1:8443" or "-" and the whole form take one away. Nothing is changed
/// on error: not of this form, there already, not there, there at several addresses.
[[nodiscard]] Result<void> change_forward(std::vector<Forward>& forwards, std::string_view change);

/// The same form, with the address.
std::string to_string(const Forward& forward);

}  // namespace strata::network
