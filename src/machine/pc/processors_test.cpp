// Machines of two processors with tiny guests: starting, waking, sharing memory, and how one ends the run of all.
#include "machine/pc/processors.h"

#include <gtest/gtest.h>

#include <chrono>
#include <ctime>

#include "machine/pc/engines.h"
#include "machine/pc/pc.h"
#include "machine/pc/test_guests_test.h"
#include "machine/pc/test_world_test.h"

#if defined(__x86_64__)

namespace strata::machine::pc {
namespace {

using namespace std::chrono_literals;

class ProcessorsTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override { ASSERT_TRUE(loop->start()); }
  void TearDown() override {
    pc.reset();
    loop->join();
  }

  PcOptions options(std::vector<std::byte> kernel, const std::string& command_line, unsigned cpus = 2) {
    PcOptions made;
    made.memory = uint64_t{16} << 20;
    made.cpus = cpus;
    made.make_vcpus = GetParam() == std::string_view("jit") ? jit_engine({}) : interp_engine({});
    made.timers = &timers;
    made.lock = &lock;
    made.console = &console;
    made.boot = {.kernel = std::move(kernel), .initrd = {}, .command_line = command_line};
    return made;
  }
  void make(PcOptions asked) {
    auto made = Pc::make(std::move(asked));
    ASSERT_TRUE(made) << made.error().message;
    pc = std::move(*made);
  }
  void make(const std::string& command_line) { make(options(smp_guest(), command_line)); }
  MachineExit run(std::chrono::microseconds limit = 60s) {
    LoopTimer watchdog(*loop, [this] { pc->stop(); });
    watchdog.set_after(limit);
    return pc->run();
  }

  std::unique_ptr<EventLoop> loop = *EventLoop::make();
  memory::DeviceLock lock;
  LoopTimers timers{*loop, lock};
  struct : Printed {
    Pc* stopped = nullptr;  ///< at each output
    void write(std::span<const std::byte> bytes) override {
      Printed::write(bytes);
      if (stopped != nullptr) stopped->stop();
    }
  } console;
  std::unique_ptr<Pc> pc;
};

INSTANTIATE_TEST_SUITE_P(Engines, ProcessorsTest, testing::Values("interp", "jit"),
                         [](const auto& param_info) { return std::string(param_info.param); });

TEST_P(ProcessorsTest, TwoCountInOneVariable) {
  make("c");
  EXPECT_EQ(run().reason, MachineExitReason::power_off);
  EXPECT_EQ(console.text, "+");
  const std::vector<iface::Figure> figures = pc->figures();
  EXPECT_EQ(figures.at(0).name, "processors");
  EXPECT_EQ(figures.at(0).value, 2u);
  EXPECT_EQ(figures.at(1).name, "guest instructions");
  EXPECT_GT(figures.at(1).value, 600'000u);  // of both: three in each round
}

TEST_P(ProcessorsTest, InterruptsWakeTheSecondWhichPowersOff) {
  make("w");
  EXPECT_EQ(run().reason, MachineExitReason::power_off);
  EXPECT_EQ(console.text, "...w");
}

TEST_P(ProcessorsTest, SoDoNmis) {
  make("n");
  EXPECT_EQ(run().reason, MachineExitReason::power_off);
  EXPECT_EQ(console.text, "...w");
}

TEST_P(ProcessorsTest, ATripleFaultOfTheSecondEndsAll) {
  make("t");
  const MachineExit exit = run();
  EXPECT_EQ(exit.reason, MachineExitReason::shutdown);
  EXPECT_EQ(exit.message.find("processor 1:"), 0u) << exit.message;
}

TEST_P(ProcessorsTest, AResetStartsAllAfresh) {
  make("w");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(run().reason, MachineExitReason::power_off);
    ASSERT_TRUE(pc->reset());
  }
  EXPECT_EQ(console.text, "...w...w...w");
}

TEST_P(ProcessorsTest, OneThatNeverStartsSleeps) {
  make(options(test_guest(), "s"));  // the first spins
  const std::clock_t before = std::clock();
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(run(300ms).reason, MachineExitReason::stopped);
  const double used = static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC;
  const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - begin;
  EXPECT_LT(used, 1.5 * passed.count());  // one processor's time, not two's
}

TEST_P(ProcessorsTest, AllHaltedForGoodIsTold) {
  make(options(test_guest(), "h", 4));
  EXPECT_EQ(run().reason, MachineExitReason::halted);
}

TEST_P(ProcessorsTest, TheFirstSleepsWhileTheOthersWait) {
  make(options(test_guest(), "a", 3));
  EXPECT_EQ(run().reason, MachineExitReason::power_off);
  EXPECT_EQ(console.text, ".....");
}

TEST_P(ProcessorsTest, AMachineGoesOnInAnotherOneAsOftenAsOneLikes) {
  make("w");
  for (int moves = 0;; ++moves) {
    console.stopped = pc.get();
    const MachineExit exit = run();
    console.stopped = nullptr;
    if (exit.reason == MachineExitReason::power_off) {
      EXPECT_GE(moves, 2);  // a dot for each; behind the third it powers off
      break;
    }
    ASSERT_EQ(exit.reason, MachineExitReason::stopped) << exit.message;
    ASSERT_LT(moves, 10);
    const auto blob = pc->save();
    ASSERT_TRUE(blob) << blob.error().message;
    pc.reset();
    make("t");
    const auto restored = pc->restore(*blob);
    ASSERT_TRUE(restored) << restored.error().message;
  }
  EXPECT_EQ(console.text, "...w");
}

TEST_P(ProcessorsTest, StopsInTheMiddleLoseNothing) {
  make("c");
  MachineExit exit;
  while (exit.reason == MachineExitReason::stopped) exit = run(200us);
  EXPECT_EQ(exit.reason, MachineExitReason::power_off) << exit.message;
  EXPECT_EQ(console.text, "+");
}

TEST_P(ProcessorsTest, StateOfAnotherNumberOfProcessorsIsRefused) {
  make("c");
  const auto blob = *pc->save();
  pc.reset();
  make(options(smp_guest(), "c", 3));
  const auto refused = pc->restore(blob);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "saved state is of a machine with 2 processors, this one has 3");
}

}  // namespace
}  // namespace strata::machine::pc

#endif
