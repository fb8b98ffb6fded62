// PIT, real-time clock and PM timer against a clock that moves as the test wants.
#include <gtest/gtest.h>

#include <string>

#include "devices/fake_timers.h"
#include "devices/timer/pit.h"
#include "devices/timer/pm_timer.h"
#include "devices/timer/rtc.h"

namespace strata::devices {
namespace {

constexpr uint64_t us = 1000;
constexpr uint64_t ms = 1'000'000;
constexpr uint64_t second = 1'000'000'000;

struct Wire final : iface::IrqLine {
  void set(bool to) override {
    if (to && !level) ++rises;
    level = to;
  }
  bool level = false;
  int rises = 0;
};

class PitTest : public testing::Test {
 protected:
  void control(uint8_t value) { pit.ports().write(3, 1, value); }
  void load(unsigned counter, uint16_t count) {
    pit.ports().write(counter, 1, count & 0xff);
    pit.ports().write(counter, 1, count >> 8);
  }
  uint16_t read(unsigned counter) {
    const auto low = static_cast<uint16_t>(pit.ports().read(counter, 1));
    return static_cast<uint16_t>(low | pit.ports().read(counter, 1) << 8);
  }

  FakeTimers timers;
  Wire wire;
  Pit pit{timers, wire};
};

TEST_F(PitTest, RateGeneratorTicks) {
  control(0x34);
  load(0, 11932);  // 100 Hz
  timers.advance(second);
  EXPECT_NEAR(wire.rises, 100, 1);
  EXPECT_TRUE(wire.level);  // low for one clock only
}

TEST_F(PitTest, LateHostTimerLosesNoEdge) {
  control(0x34);
  load(0, 11932);
  wire.rises = 0;
  for (int i = 0; i < 10; ++i) timers.advance_late(10 * ms, 3 * ms);
  EXPECT_NEAR(wire.rises, 10, 1);
}

TEST_F(PitTest, SquareWaveTicks) {
  control(0x36);
  load(0, 0);  // 65536: 18.2 Hz
  timers.advance(10 * second);
  EXPECT_NEAR(wire.rises, 182, 1);
}

TEST_F(PitTest, OneShotRisesOnce) {
  wire.rises = 0;
  control(0x30);
  load(0, 1193);
  EXPECT_FALSE(wire.level);
  timers.advance(999 * us);
  EXPECT_FALSE(wire.level);
  timers.advance(2 * us);
  EXPECT_TRUE(wire.level);
  timers.advance(second);
  EXPECT_EQ(wire.rises, 1);
  EXPECT_EQ(timers.armed(), 0u);
}

TEST_F(PitTest, SoftwareStrobe) {
  control(0x38);
  load(0, 1193);
  EXPECT_TRUE(wire.level);
  const int before = wire.rises;
  timers.advance(2 * ms);
  EXPECT_EQ(wire.rises, before + 1);
}

TEST_F(PitTest, LatchedCountStays) {
  control(0x34);
  load(0, 10000);
  timers.advance(1 * ms);
  control(0x00);
  timers.advance(1 * ms);
  EXPECT_NEAR(read(0), 10000 - 1193, 2);
  EXPECT_NEAR(read(0), 10000 - 2386, 2);  // live again
}

TEST_F(PitTest, CalibrationByCounterTwo) {
  // How Linux measures the time stamp counter (pit_calibrate_tsc): gate on, mode 0, wait for the output.
  pit.speaker_port().write(0, 1, 0x01);
  control(0xb0);
  load(2, 11931);
  EXPECT_EQ(pit.speaker_port().read(0, 1) & 0x20, 0u);
  timers.advance(9 * ms);
  EXPECT_EQ(pit.speaker_port().read(0, 1) & 0x20, 0u);
  timers.advance(1 * ms + 5 * us);
  EXPECT_EQ(pit.speaker_port().read(0, 1) & 0x20, 0x20u);
}

TEST_F(PitTest, QuickCalibrationSeesTheHighByteFall) {
  pit.speaker_port().write(0, 1, 0x01);
  control(0xb0);
  load(2, 0xffff);
  pit.ports().read(2, 1);
  EXPECT_EQ(pit.ports().read(2, 1), 0xffu);
  timers.advance(250 * us);
  pit.ports().read(2, 1);
  EXPECT_EQ(pit.ports().read(2, 1), 0xfeu);
}

TEST_F(PitTest, GateStopsTheCount) {
  pit.speaker_port().write(0, 1, 0x01);
  control(0xb0);
  load(2, 10000);
  timers.advance(1 * ms);
  pit.speaker_port().write(0, 1, 0x00);
  const uint16_t stopped = read(2);
  timers.advance(1 * ms);
  EXPECT_EQ(read(2), stopped);
  pit.speaker_port().write(0, 1, 0x01);
  timers.advance(1 * ms);
  EXPECT_NEAR(read(2), stopped - 1193, 2);
}

TEST_F(PitTest, ReadBackStatus) {
  control(0x34);
  control(0xe2);                             // status of counter 0
  EXPECT_EQ(pit.ports().read(0, 1), 0xf4u);  // output high, no count yet
  load(0, 1000);
  control(0xe2);
  EXPECT_EQ(pit.ports().read(0, 1) & 0x7f, 0x34u);
}

TEST_F(PitTest, BinaryCodedDecimal) {
  control(0x35);
  load(0, 0x1000);
  timers.advance(100 * us);  // 119 clocks
  EXPECT_NEAR(read(0), 0x881, 2);
}

TEST_F(PitTest, ShortestPeriodDoesNotHangTheHost) {
  control(0x34);
  load(0, 1);
  timers.advance(100 * ms);
  control(0x36);
  load(0, 2);
  timers.advance(100 * ms);
  EXPECT_LT(wire.rises, 20000);
}

TEST_F(PitTest, StateComesBack) {
  control(0x34);
  load(0, 11932);
  timers.advance(3 * ms);
  Writer out;
  pit.save(out);
  const auto blob = out.take();
  Wire other_wire;
  Pit other(timers, other_wire);
  Reader in(blob);
  ASSERT_TRUE(other.restore(in));
  other_wire.rises = 0;
  timers.advance(8 * ms);
  EXPECT_EQ(other_wire.rises, 1);
  for (size_t size = 0; size < blob.size(); ++size) {
    Reader cut{std::span(blob).first(size)};
    EXPECT_FALSE(other.restore(cut)) << size;
  }
}

class RtcTest : public testing::Test {
 protected:
  uint8_t get(uint8_t cell) {
    rtc.write(0, 1, cell);
    return static_cast<uint8_t>(rtc.read(1, 1));
  }
  void set(uint8_t cell, uint8_t value) {
    rtc.write(0, 1, cell);
    rtc.write(1, 1, value);
  }
  std::string time() {
    return fmt::format("{:02x}{:02x}-{:02x}-{:02x} {:02x}:{:02x}:{:02x}", get(0x32), get(9), get(8), get(7), get(4),
                       get(2), get(0));
  }

  static constexpr int64_t start = 1'700'000'000;  // 2023-11-14 22:13:20
  FakeTimers timers;
  Wire wire;
  Rtc rtc{timers, wire, [this] { return start * static_cast<int64_t>(second) + static_cast<int64_t>(timers.now()); }};
};

TEST_F(RtcTest, ShowsTheHostsTime) {
  EXPECT_EQ(time(), "2023-11-14 22:13:20");
  EXPECT_EQ(get(6), 3u);  // Tuesday
  timers.advance(3600 * 2 * second);
  EXPECT_EQ(time(), "2023-11-15 00:13:20");
  EXPECT_EQ(get(0x0d), 0x80u);
}

TEST_F(RtcTest, BinaryAndTwelveHours) {
  set(0x0b, 0x04);
  EXPECT_EQ(get(4), 10u | 0x80u);
  EXPECT_EQ(get(9), 23u);
}

TEST_F(RtcTest, CanBeSet) {
  set(0x0b, 0x82);
  set(0x32, 0x19);
  set(9, 0x99);
  set(8, 0x12);
  set(7, 0x31);
  set(4, 0x23);
  set(2, 0x59);
  set(0, 0x58);
  timers.advance(10 * second);
  EXPECT_EQ(time(), "1999-12-31 23:59:58");  // stands while it is set
  set(0x0b, 0x02);
  timers.advance(3 * second);
  EXPECT_EQ(time(), "2000-01-01 00:00:01");
}

TEST_F(RtcTest, CanBeSetFromOneEndOfItsYearsToTheOther) {
  for (const uint8_t century : {0x22, 0x19, 0x22, 0x99}) {
    set(0x0b, 0x82);
    set(0x32, century);
    set(9, 0x00);
    set(0x0b, 0x02);
    EXPECT_EQ(get(0x32), century == 0x99 ? 0x22 : century);
    EXPECT_EQ(get(0), 0x20u);
  }
}

TEST_F(RtcTest, UpdateInProgress) {
  EXPECT_EQ(get(0x0a) & 0x80, 0u);
  timers.advance(second - 100 * us);
  EXPECT_EQ(get(0x0a) & 0x80, 0x80u);
  timers.advance(200 * us);
  EXPECT_EQ(get(0x0a) & 0x80, 0u);
}

TEST_F(RtcTest, PeriodicInterrupt) {
  set(0x0a, 0x26);  // 1024 Hz
  set(0x0b, 0x42);
  get(0x0c);
  int interrupts = 0;
  for (int i = 0; i < 10000; ++i) {
    timers.advance(100 * us);
    if (!wire.level) continue;
    ++interrupts;
    EXPECT_EQ(get(0x0c) & 0xc0, 0xc0u);
    EXPECT_FALSE(wire.level);
  }
  EXPECT_NEAR(interrupts, 1024, 2);
}

TEST_F(RtcTest, AlarmInterrupt) {
  set(1, 0x30);
  set(3, 0xff);  // every minute
  set(5, 0xff);
  get(0x0c);
  set(0x0b, 0x22);
  timers.advance(9 * second);
  EXPECT_FALSE(wire.level);
  timers.advance(second + ms);
  EXPECT_TRUE(wire.level);
  EXPECT_EQ(get(0x0c) & 0xa0, 0xa0u);
  EXPECT_FALSE(wire.level);
}

TEST_F(RtcTest, UpdateFlagIsSeenByPolling) {
  get(0x0c);
  EXPECT_EQ(get(0x0c) & 0x10, 0u);
  timers.advance(second);
  EXPECT_EQ(get(0x0c) & 0x10, 0x10u);
  EXPECT_FALSE(wire.level);
}

TEST_F(RtcTest, AnyValueIsHarmless) {
  uint32_t seed = 7;
  for (int i = 0; i < 5000; ++i) {
    seed = seed * 1664525 + 1013904223;
    set(static_cast<uint8_t>(seed >> 24 & 0x3f), static_cast<uint8_t>(seed >> 16));
    timers.advance(seed >> 8);
    get(0x0c);
    time();
  }
}

TEST_F(RtcTest, StateComesBack) {
  rtc.set_cmos(0x40, 0x77);
  set(0x32, 0x20);
  set(9, 0x30);
  Writer out;
  rtc.save(out);
  const auto blob = out.take();
  timers.advance(5 * second);
  const std::string now = time();
  rtc.set_cmos(0x40, 0);
  set(9, 0x00);
  Reader in(blob);
  ASSERT_TRUE(rtc.restore(in));
  EXPECT_EQ(time(), now);
  EXPECT_EQ(rtc.cmos(0x40), 0x77u);
}

TEST(PmTimerTest, CountsAtItsRate) {
  FakeTimers timers;
  PmTimer timer(timers);
  timers.advance(second);
  EXPECT_EQ(timer.read(0, 4), PmTimer::frequency);
  timers.advance(1200 * second);
  EXPECT_EQ(timer.read(0, 4), 1201 * PmTimer::frequency % (uint64_t{1} << 32));
}

}  // namespace
}  // namespace strata::devices
