// Alarms in a list: a PC has about five.
#include "machine/pc/counted_timers.h"

#include <algorithm>
#include <mutex>
#include <tuple>

namespace strata::machine::pc {

class CountedTimers::Alarm final : public iface::Timer {
 public:
  Alarm(CountedTimers& owner, std::function<void()> callback) : callback_(std::move(callback)), owner_(owner) {
    owner_.alarms_.push_back(this);
  }
  ~Alarm() override { std::erase(owner_.alarms_, this); }

  void arm(uint64_t deadline) override {
    deadline_ = deadline;
    number_ = ++owner_.armed_so_far_;
  }
  void cancel() override { deadline_.reset(); }

  bool armed() const { return deadline_.has_value(); }
  uint64_t deadline() const { return *deadline_; }
  bool before(const Alarm& other) const {
    return std::tie(*deadline_, number_) < std::tie(*other.deadline_, other.number_);
  }
  void ring() {
    deadline_.reset();
    callback_();
  }

 private:
  const std::function<void()> callback_;
  CountedTimers& owner_;
  std::optional<uint64_t> deadline_;
  uint64_t number_ = 0;
};

std::unique_ptr<iface::Timer> CountedTimers::make(std::function<void()> callback) {
  return std::make_unique<Alarm>(*this, std::move(callback));
}

CountedTimers::Alarm* CountedTimers::first() const {
  Alarm* found = nullptr;
  for (Alarm* alarm : alarms_)
    if (alarm->armed() && (found == nullptr || alarm->before(*found))) found = alarm;
  return found;
}

std::optional<uint64_t> CountedTimers::next_deadline() const {
  const Alarm* const alarm = first();
  return alarm == nullptr ? std::nullopt : std::optional(alarm->deadline());
}

void CountedTimers::advance_to(uint64_t time) {
  const std::lock_guard guard(lock_);
  for (Alarm* alarm = first(); alarm != nullptr && alarm->deadline() <= time; alarm = first()) {
    now_ = std::max(now_, alarm->deadline());
    alarm->ring();
  }
  now_ = std::max(now_, time);
}

}  // namespace strata::machine::pc
