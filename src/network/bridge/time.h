// Time as the bridge sees it: what the caller's clock says.
#pragma once

#include <chrono>
#include <cstdint>

namespace strata::network::bridge {

/// Since any fixed moment, on a clock that never goes back.
using Time = std::chrono::nanoseconds;
/// The deadline of who waits for nothing.
constexpr Time never = Time::max();

/// As the ages of stations are counted: it wraps after 49 days.
constexpr std::uint32_t milliseconds(Time time) { return static_cast<std::uint32_t>(time.count() / 1'000'000); }

}  // namespace strata::network::bridge
