// ApicTimer: counts in clock time, so that nothing runs between two expiries.
#include "devices/irq/apic_timer.h"

#include <algorithm>

#include "base/bits.h"

namespace strata::devices {
namespace {

// The timer counts a bus clock of 1 GHz, as guests measure it, divided by 1 to 128.
constexpr uint64_t bus_ns = 1;

// A guest that asks for a shorter period gets this one: it may not keep the host's timer thread busy.
constexpr uint64_t shortest_period_ns = 50'000;

constexpr uint64_t second_ns = 1'000'000'000;
constexpr uint64_t longest_wait_ns = 3600 * second_ns;

}  // namespace

ApicTimer::ApicTimer(iface::Timers& timers, TickSource tsc, std::function<void()> expired)
    : clock_(timers), tsc_(std::move(tsc)), expired_(std::move(expired)), timer_(timers.make([this] { fire(); })) {}

uint64_t ApicTimer::count_ns() const {
  // Bits 0, 1 and 3 together: 000 divides by 2 … 110 by 128, 111 by 1.
  const unsigned code = (divide_ & 3) | (divide_ >> 1 & 4);
  return bus_ns << ((code + 1) & 7);
}

uint64_t ApicTimer::period_ns() const { return std::max(uint64_t{initial_} * count_ns(), shortest_period_ns); }

void ApicTimer::set_mode(Mode mode) {
  if (mode == mode_) return;
  // 11.5.4.1: a change between deadline mode and the others disarms the timer.
  if (mode == Mode::deadline || mode_ == Mode::deadline) {
    end_ = deadline_ = 0;
    initial_ = 0;
    timer_->cancel();
  }
  mode_ = mode;
}

void ApicTimer::set_divide(uint32_t value) {
  const uint64_t left = current_count();
  divide_ = value & 0xb;
  if (end_ == 0) return;
  end_ = clock_.now() + left * count_ns();
  timer_->arm(end_);
}

void ApicTimer::set_initial_count(uint32_t count) {
  if (mode_ == Mode::deadline) return;
  initial_ = count;
  arm();
}

void ApicTimer::arm() {
  if (initial_ == 0) {
    end_ = 0;
    timer_->cancel();
    return;
  }
  end_ = clock_.now() + (mode_ == Mode::periodic ? period_ns() : initial_ * count_ns());
  timer_->arm(end_);
}

uint32_t ApicTimer::current_count() const {
  const uint64_t now = clock_.now();
  if (end_ == 0 || now >= end_) return 0;
  return static_cast<uint32_t>(std::min<uint64_t>((end_ - now + count_ns() - 1) / count_ns(), initial_));
}

void ApicTimer::set_deadline(uint64_t ticks) {
  if (mode_ != Mode::deadline) return;
  deadline_ = ticks;
  arm_deadline();
}

void ApicTimer::arm_deadline() {
  if (deadline_ == 0) {
    timer_->cancel();
    return;
  }
  const uint64_t ticks = tsc_.ticks();
  if (ticks >= deadline_) {
    deadline_ = 0;
    timer_->cancel();
    expired_();
    return;
  }
  const auto wait = static_cast<unsigned __int128>(deadline_ - ticks) * second_ns / tsc_.rate + 1;
  timer_->arm(clock_.now() + static_cast<uint64_t>(std::min<unsigned __int128>(wait, longest_wait_ns)));
}

void ApicTimer::fire() {
  if (mode_ == Mode::deadline) {
    arm_deadline();  // expires, or goes on waiting where the two clocks differ
    return;
  }
  if (end_ == 0) return;
  if (mode_ == Mode::periodic) {
    // Keeps the beat; ticks that were missed are missed.
    const uint64_t now = clock_.now();
    end_ += period_ns();
    if (end_ <= now) end_ = now + period_ns();
    timer_->arm(end_);
  } else {
    end_ = 0;
  }
  expired_();
}

void ApicTimer::reset() {
  timer_->cancel();
  mode_ = Mode::one_shot;
  divide_ = initial_ = 0;
  end_ = deadline_ = 0;
}

void ApicTimer::save(Writer& out) const {
  out.enter("apic-timer", 1);
  const uint64_t now = clock_.now();
  out.put(mode_, divide_, initial_, end_ != 0, end_ > now ? end_ - now : uint64_t{0}, deadline_);
  out.leave();
}

Result<void> ApicTimer::restore(Reader& in) {
  STRATA_TRY(in.enter("apic-timer", 1));
  bool running = false;
  uint64_t left = 0;
  in.get(mode_, divide_, initial_, running, left, deadline_);
  if (mode_ > Mode::deadline || (mode_ == Mode::deadline && !has_deadline_mode())) in.reject("unknown timer mode");
  divide_ &= 0xb;
  STRATA_TRY(in.leave());
  timer_->cancel();
  end_ = running ? clock_.now() + std::min(left, longest_wait_ns) : 0;
  if (running) timer_->arm(end_);
  if (mode_ == Mode::deadline) arm_deadline();
  return {};
}

}  // namespace strata::devices
