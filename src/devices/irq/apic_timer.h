// The timer of a local APIC: one-shot, periodic and TSC deadline (Intel SDM volume 3, section 11.5.4).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "devices/saved_state.h"
#include "iface/clock.h"

namespace strata::devices {

/// The guest's time stamp counter, for deadlines in it.
struct TickSource {
  std::function<uint64_t()> ticks;  ///< none: no TSC deadline mode
  uint64_t rate = 1'000'000'000;    ///< ticks a second
};

class ApicTimer {
 public:
  enum class Mode : uint8_t { one_shot, periodic, deadline };

  /// `expired` raises the timer's interrupt; called from the timer, or at once for a deadline that is over.
  ApicTimer(iface::Timers& timers, TickSource tsc, std::function<void()> expired);

  void set_mode(Mode mode);
  void set_divide(uint32_t value);
  uint32_t divide() const { return divide_; }
  void set_initial_count(uint32_t count);
  uint32_t initial_count() const { return initial_; }
  uint32_t current_count() const;
  /// IA32_TSC_DEADLINE; zero outside deadline mode.
  uint64_t deadline() const { return deadline_; }
  void set_deadline(uint64_t ticks);
  bool has_deadline_mode() const { return static_cast<bool>(tsc_.ticks); }

  void reset();
  void save(Writer& out) const;
  Result<void> restore(Reader& in);

 private:
  uint64_t count_ns() const;  ///< of one count
  uint64_t period_ns() const;
  void arm();
  void arm_deadline();
  void fire();

  iface::Timers& clock_;
  TickSource tsc_;
  std::function<void()> expired_;
  std::unique_ptr<iface::Timer> timer_;
  Mode mode_ = Mode::one_shot;
  uint32_t divide_ = 0;  ///< the divide configuration register
  uint32_t initial_ = 0;
  uint64_t end_ = 0;  ///< when the count reaches zero, in clock time; 0: it does not run
  uint64_t deadline_ = 0;
};

}  // namespace strata::devices
