// Tests of the safepoint with real threads: what is changed while all others stand still is never seen half changed.
#include "engine/safepoint.h"

#include <gtest/gtest.h>

#include <thread>

#include "engine/events.h"

namespace strata::engine {
namespace {

struct Processor {
  std::atomic<uint32_t> events = 0;
  Safepoint::Member member{events};
};

/// Two words that a change makes unequal for a while.
struct Pair {
  volatile uint64_t first = 0, second = 0;
};

TEST(SafepointTest, NobodyRunsWhileOthersAreStopped) {
  constexpr unsigned processors = 4, rounds = 4000;
  Safepoint safepoint;
  std::array<Processor, processors> all;
  for (Processor& each : all) safepoint.join(each.member);
  Pair pair;
  std::atomic<unsigned> running = processors, torn = 0;
  const auto run = [&](Processor& self, unsigned seed) {
    safepoint.enter(self.member);
    for (unsigned round = 0; round < rounds; ++round) {
      if (pair.first != pair.second) ++torn;
      if (self.events.exchange(0) != 0) safepoint.stand_still(self.member);
      switch ((round * 7 + seed) % 16) {
        case 0: {
          const Safepoint::Lock lock(safepoint, self.member, Safepoint::Holding::nothing);
          safepoint.stop_others(self.member);
          pair.first = pair.first + 1;
          std::this_thread::yield();
          pair.second = pair.second + 1;
          break;
        }
        case 1: {  // in the middle of something: others may stop us here too
          const Safepoint::Lock lock(safepoint, self.member, Safepoint::Holding::units);
          if (pair.first != pair.second) ++torn;
          break;
        }
        case 2:
          safepoint.leave(self.member);
          std::this_thread::yield();
          safepoint.enter(self.member);
          break;
        default: break;
      }
    }
    safepoint.leave(self.member);
    --running;
  };
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < processors; ++i) threads.emplace_back(run, std::ref(all[i]), i);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(running, 0u);
  EXPECT_EQ(torn, 0u);
  EXPECT_EQ(pair.first, pair.second);
  EXPECT_GE(pair.first, processors * rounds / 16 - processors);
}

TEST(SafepointTest, ItIsKnownWhoWaitsInTheMiddleOfSomething) {
  for (const auto holding : {Safepoint::Holding::nothing, Safepoint::Holding::units}) {
    Safepoint safepoint;
    Processor self, other;
    safepoint.join(self.member);
    safepoint.join(other.member);
    safepoint.enter(self.member);
    std::atomic<bool> begun = false;
    std::thread thread;
    {
      const Safepoint::Lock lock(safepoint, self.member, Safepoint::Holding::nothing);
      thread = std::thread([&] {
        safepoint.enter(other.member);
        begun = true;
        { const Safepoint::Lock waits(safepoint, other.member, holding); }
        safepoint.leave(other.member);
      });
      while (!begun) std::this_thread::yield();
      safepoint.stop_others(self.member);  // comes back once the other waits
      EXPECT_EQ(safepoint.units_are_ours(self.member), holding == Safepoint::Holding::nothing);
    }
    thread.join();
    safepoint.leave(self.member);
  }
}

TEST(SafepointTest, AProcessorThatRunsIsAskedByAnEvent) {
  Safepoint safepoint;
  Processor self, other;
  safepoint.join(self.member);
  safepoint.join(other.member);
  std::atomic<bool> begun = false, asked = false;
  std::thread thread([&] {
    safepoint.enter(other.member);
    begun = true;
    while (other.events.load() == 0) std::this_thread::yield();
    asked = other.events.exchange(0) == Event::stop;
    safepoint.stand_still(other.member);
    safepoint.leave(other.member);
  });
  while (!begun) std::this_thread::yield();
  {
    const Safepoint::Lock lock(safepoint, self.member, Safepoint::Holding::nothing);
    safepoint.stop_others(self.member);
    EXPECT_TRUE(asked);
    EXPECT_TRUE(safepoint.units_are_ours(self.member));
  }
  thread.join();
}

TEST(SafepointTest, OneAloneNeedsNoLock) {
  Safepoint safepoint;
  Processor self;
  safepoint.join(self.member);
  const Safepoint::Lock lock(safepoint, self.member, Safepoint::Holding::nothing);
  const Safepoint::Lock again(safepoint, self.member, Safepoint::Holding::nothing);
  safepoint.stop_others(self.member);
  EXPECT_EQ(self.events, 0u);
}

}  // namespace
}  // namespace strata::engine
