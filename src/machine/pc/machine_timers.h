// The machine's own time: the host's timers, shifted so that a restored machine goes on where it was saved.
#pragma once

#include <memory>
#include <utility>

#include "iface/clock.h"

namespace strata::machine::pc {

class MachineTimers final : public iface::Timers {
 public:
  explicit MachineTimers(iface::Timers& host) : host_(host) {}

  uint64_t now() override { return host_.now() + shift_; }
  std::unique_ptr<iface::Timer> make(std::function<void()> callback) override {
    return std::make_unique<Shifted>(*this, host_.make(std::move(callback)));
  }

  /// Makes this moment `time`. Before timers are armed: those that are keep the host's time.
  void set_now(uint64_t time) { shift_ = time - host_.now(); }

 private:
  struct Shifted final : iface::Timer {
    Shifted(MachineTimers& owner, std::unique_ptr<iface::Timer> inner) : timers(owner), timer(std::move(inner)) {}
    void arm(uint64_t deadline) override {
      // A deadline before the host's own beginning is over.
      timer->arm(deadline > timers.shift_ || timers.shift_ > ~uint64_t{0} / 2 ? deadline - timers.shift_ : 0);
    }
    void cancel() override { timer->cancel(); }
    MachineTimers& timers;
    std::unique_ptr<iface::Timer> timer;
  };

  iface::Timers& host_;
  uint64_t shift_ = 0;  ///< modulo 2^64
};

}  // namespace strata::machine::pc
