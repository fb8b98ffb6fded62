// Time as the protocols of this folder are told it: they have no clock of their own.
#pragma once

#include <chrono>

namespace strata::network::protocols {

/// Since any start that the caller likes; never goes back.
using Time = std::chrono::nanoseconds;

/// The deadline of a machine that waits for nothing.
constexpr Time never = Time::max();

}  // namespace strata::network::protocols
