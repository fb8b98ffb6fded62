// Time as the bridge sees it: what the caller's clock says.
#pragma once

#include <chrono>

namespace strata::network::bridge {

/// Since any fixed moment, on a clock that never goes back.
using Time = std::chrono::nanoseconds;
/// The deadline of who waits for nothing.
constexpr Time never = Time::max();

}  // namespace strata::network::bridge
