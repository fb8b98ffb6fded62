// Alarms ring once, in time, under the lock, and not after they were cancelled.
#include "control/host_timers.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace strata::control {
namespace {

constexpr uint64_t ms = 1'000'000;

class HostTimersTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(loop->start()); }
  void sleep_ms(int count) { std::this_thread::sleep_for(std::chrono::milliseconds(count)); }
  bool wait_for(int count) {
    for (int i = 0; i < 500 && rings < count; ++i) sleep_ms(2);
    return rings >= count;
  }

  std::unique_ptr<EventLoop> loop = *EventLoop::make();
  memory::DeviceLock lock;
  HostTimers timers{*loop, lock};
  std::atomic<int> rings = 0;
  std::atomic<uint64_t> rang_at = 0;
  std::unique_ptr<iface::Timer> timer = timers.make([this] {
    rang_at = timers.now();
    ++rings;
  });
};

TEST_F(HostTimersTest, RingsOnceNotBeforeItsTime) {
  const uint64_t deadline = timers.now() + 5 * ms;
  timer->arm(deadline);
  ASSERT_TRUE(wait_for(1));
  EXPECT_GE(rang_at, deadline);
  sleep_ms(20);
  EXPECT_EQ(rings, 1);
}

TEST_F(HostTimersTest, CanBeMovedBothWays) {
  timer->arm(timers.now() + 10'000 * ms);
  timer->arm(timers.now() + 5 * ms);
  ASSERT_TRUE(wait_for(1));
  const uint64_t later = timers.now() + 30 * ms;
  timer->arm(timers.now() + 5 * ms);
  timer->arm(later);
  ASSERT_TRUE(wait_for(2));
  EXPECT_GE(rang_at, later);
}

TEST_F(HostTimersTest, CancelledIsSilent) {
  timer->arm(timers.now() + 5 * ms);
  timer->cancel();
  sleep_ms(20);
  EXPECT_EQ(rings, 0);
  timer->arm(timers.now() + 5 * ms);
  EXPECT_TRUE(wait_for(1));
}

TEST_F(HostTimersTest, CancelUnderTheLockBeatsARingThatWaitsForIt) {
  {
    std::lock_guard guard(lock);
    timer->arm(timers.now() + ms);
    sleep_ms(20);  // it has rung, and waits
    timer->cancel();
  }
  sleep_ms(20);
  EXPECT_EQ(rings, 0);
}

TEST_F(HostTimersTest, StandsStillWhilePaused) {
  timer->arm(timers.now() + 10 * ms);
  timers.pause();
  const uint64_t then = timers.now();
  sleep_ms(30);
  EXPECT_EQ(timers.now(), then);
  EXPECT_EQ(rings, 0);
  timers.resume();
  EXPECT_LT(timers.now(), then + 1000 * ms);
  EXPECT_TRUE(wait_for(1));
}

TEST_F(HostTimersTest, FarFutureIsHarmless) {
  timer->arm(~uint64_t{0});
  timer->arm(0);
  EXPECT_TRUE(wait_for(1));
}

}  // namespace
}  // namespace strata::control
