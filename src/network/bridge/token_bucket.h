// TokenBucket: so much a second with bursts of so much, in exact integers.
#pragma once

#include <algorithm>
#include <cstdint>

#include "network/bridge/time.h"

namespace strata::network::bridge {

/// Kept as the time at which the bucket would be full again (the generic cell rate algorithm). While any token is left, a
/// cost of any size may go into debt, so that a burst smaller than a frame does not stop a port for ever.
class TokenBucket {
 public:
  TokenBucket() = default;
  /// Full at first. A rate of 0 lets all pass.
  TokenBucket(std::uint64_t per_second, std::uint64_t burst) : rate_(per_second) {
    if (rate_ == 0) return;
    const auto depth = static_cast<unsigned __int128>(burst) * nanoseconds / rate_;
    depth_ = static_cast<std::int64_t>(std::clamp<unsigned __int128>(depth, 1, longest));
  }

  bool limited() const { return rate_ != 0; }
  bool ready(Time now) const { return rate_ == 0 || full_at_ - now.count() < depth_; }
  /// When ready() becomes true.
  Time ready_at() const { return Time(full_at_ - depth_ + 1); }
  void take(std::uint64_t cost, Time now) {
    if (rate_ == 0) return;
    if (full_at_ < now.count()) full_at_ = now.count(), remainder_ = 0;
    const unsigned __int128 time = static_cast<unsigned __int128>(cost) * nanoseconds + remainder_;
    full_at_ += static_cast<std::int64_t>(time / rate_);
    remainder_ = static_cast<std::uint64_t>(time % rate_);
  }
  bool try_take(std::uint64_t cost, Time now) {
    if (!ready(now)) return false;
    take(cost, now);
    return true;
  }

 private:
  static constexpr std::uint64_t nanoseconds = 1'000'000'000;
  static constexpr std::uint64_t longest = std::uint64_t{1} << 60;  // 36 years

  std::uint64_t rate_ = 0;
  std::int64_t depth_ = 0;  // ns that the bucket needs to fill
  std::int64_t full_at_ = 0;
  std::uint64_t remainder_ = 0;  // of a nanosecond, in parts of rate_
};

}  // namespace strata::network::bridge
