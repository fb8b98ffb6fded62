// Ports by number, and sets of them.
#pragma once

#include <cstdint>

#include "network/bridge/bit_set.h"

namespace strata::network::bridge {

/// A number that the bridge gives; it is used again after the port is gone.
using PortId = std::uint16_t;
constexpr std::size_t max_ports = 1024;
constexpr PortId no_port = 0xffff;

using PortSet = BitSet<max_ports>;

}  // namespace strata::network::bridge
