// Forward: a port of the host that leads to a port of the guest.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

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

/// The same form, with the address.
std::string to_string(const Forward& forward);

}  // namespace strata::network
