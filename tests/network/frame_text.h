// Frames as text in the conformance tables: see conformance/README.md.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "network/bridge/frame.h"

namespace strata::network::conformance {

struct WireFrame {
  std::vector<std::byte> octets;
  bridge::Offload offload;
  bool operator==(const WireFrame&) const = default;
};

/// "B<A 10p5 ip=10.0.0.1>10.0.0.2 tcp=1>80": to B, from A, tag, payload.
WireFrame parse_frame(std::string_view text);
/// One letter for the tables' stations, or an address.
bridge::MacAddress parse_station(std::string_view text);
/// For messages: the octets, a long payload cut.
std::string describe(const WireFrame& frame);

}  // namespace strata::network::conformance
