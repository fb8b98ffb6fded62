// Time that goes on only when it is told to: for machines whose runs are to be repeatable.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "iface/clock.h"
#include "memory/device_lock.h"

namespace strata::machine::pc {

/// Used on one thread. The lock outlives this, this outlives its timers.
class CountedTimers final : public iface::Timers {
 public:
  explicit CountedTimers(memory::DeviceLock& lock) : lock_(lock) {}

  uint64_t now() override { return now_; }
  std::unique_ptr<iface::Timer> make(std::function<void()> callback) override;

  /// The deadline that comes first; none: nothing is armed.
  std::optional<uint64_t> next_deadline() const;

  /// Goes on to this time; what has been armed for it rings on the way, each at its time, equal ones as they were armed.
  void advance_to(uint64_t time);

  /// For a machine that is restored: its devices arm their timers anew.
  void set_now(uint64_t time) { now_ = time; }

 private:
  class Alarm;
  Alarm* first() const;

  memory::DeviceLock& lock_;
  uint64_t now_ = 0;
  uint64_t armed_so_far_ = 0;
  std::vector<Alarm*> alarms_;
};

}  // namespace strata::machine::pc
