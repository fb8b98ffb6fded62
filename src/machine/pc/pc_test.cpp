// Whole machines with tiny guests, on each engine: run control, interrupts, sleep, reset, saved state.
#include "machine/pc/pc.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <string_view>
#include <thread>

#include "base/event_loop.h"
#include "kvm/kvm_vcpu.h"
#include "machine/pc/engines.h"
#include "machine/pc/test_guests_test.h"
#include "machine/pc/test_world_test.h"

#if defined(__x86_64__)

namespace strata::machine::pc {
namespace {

using namespace std::chrono_literals;

constexpr uint64_t mib = uint64_t{1} << 20;

class PcTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (on_kvm() && !kvm::kvm_available()) GTEST_SKIP() << kvm::kvm_available().error().message;
    ASSERT_TRUE(loop->start());
  }
  bool on_kvm() const { return GetParam() == std::string_view("kvm"); }
  /// A KVM that emulates the kernel mode of guests in software (kvm-pvm of some clouds) knows no IRET.
  bool lacks_interrupts() const { return on_kvm() && std::getenv("STRATA_TEST_KVM") == nullptr; }

  void TearDown() override {
    pc.reset();
    loop->join();
  }

  PcOptions options(const std::string& command_line) {
    PcOptions made;
    made.memory = 16 * mib;
    made.make_vcpus = on_kvm() ? kvm_engine() : interp_engine({});
    made.timers = &timers;
    made.lock = &lock;
    made.console = &console;
    made.boot = {.kernel = test_guest(), .initrd = {}, .command_line = command_line};
    return made;
  }
  void make(const std::string& command_line) {
    auto made = Pc::make(options(command_line));
    ASSERT_TRUE(made) << made.error().message;
    pc = std::move(*made);
  }
  MachineExit run(std::chrono::milliseconds limit = 20s) {
    LoopTimer watchdog(*loop, [this] { pc->stop(); });
    watchdog.set_after(limit);
    return pc->run();
  }

  std::unique_ptr<EventLoop> loop = *EventLoop::make();
  memory::DeviceLock lock;
  LoopTimers timers{*loop, lock};
  Printed console;
  std::unique_ptr<Pc> pc;
};

TEST_P(PcTest, PrintsAndPowersOff) {
  make("p");
  EXPECT_EQ(run().reason, MachineExitReason::power_off);
  EXPECT_EQ(console.text, "Hi");
}

TEST_P(PcTest, MultibootTellsTheMemory) {
  make("m");
  EXPECT_EQ(run().reason, MachineExitReason::power_off);
  EXPECT_EQ(console.text, "00003c00");  // 15 MiB above the first
}

TEST_P(PcTest, DebugExitGivesItsCode) {
  make("d");
  const MachineExit exit = run();
  EXPECT_EQ(exit.reason, MachineExitReason::debug_exit);
  EXPECT_EQ(exit.code, 7u);
}

TEST_P(PcTest, ResetStartsAfresh) {
  make("r");
  EXPECT_EQ(run().reason, MachineExitReason::reset);
  ASSERT_TRUE(pc->reset());
  EXPECT_EQ(run().reason, MachineExitReason::reset);
}

TEST_P(PcTest, TripleFaultSaysWhere) {
  if (lacks_interrupts()) GTEST_SKIP() << "set STRATA_TEST_KVM=1 where /dev/kvm is a real one";
  make("t");
  const MachineExit exit = run();
  EXPECT_EQ(exit.reason, MachineExitReason::shutdown);
  EXPECT_NE(exit.message.find("1000"), std::string::npos) << exit.message;
}

TEST_P(PcTest, HaltWithoutInterruptsIsToldNotSlept) {
  make("h");
  EXPECT_EQ(run().reason, MachineExitReason::halted);
}

TEST_P(PcTest, StopEndsASpinningGuest) {
  make("s");
  EXPECT_EQ(run(50ms).reason, MachineExitReason::stopped);
  EXPECT_EQ(run(50ms).reason, MachineExitReason::stopped);  // goes on from there
}

TEST_P(PcTest, TimerInterruptsThroughThePic) {
  if (lacks_interrupts()) GTEST_SKIP() << "set STRATA_TEST_KVM=1 where /dev/kvm is a real one";
  make("i");
  EXPECT_EQ(run().reason, MachineExitReason::power_off);
  EXPECT_EQ(console.text, ".....");
}

TEST_P(PcTest, TimerInterruptsThroughTheApics) {
  if (lacks_interrupts()) GTEST_SKIP() << "set STRATA_TEST_KVM=1 where /dev/kvm is a real one";
  make("a");
  EXPECT_EQ(run().reason, MachineExitReason::power_off);
  EXPECT_EQ(console.text, ".....");
}

TEST_P(PcTest, DeadlinesInAMovedTimeStampCounter) {
  if (on_kvm()) GTEST_SKIP() << "CPUID under KVM offers no TSC deadlines";
  make("o");
  EXPECT_EQ(run().reason, MachineExitReason::power_off);
  EXPECT_EQ(console.text, ".....");
}

TEST_P(PcTest, PowerButtonWakesASleeperThatUsedNoTime) {
  if (lacks_interrupts()) GTEST_SKIP() << "set STRATA_TEST_KVM=1 where /dev/kvm is a real one";
  make("b");
  LoopTimer press(*loop, [this] { pc->press_power_button(); });
  press.set_after(300ms);
  const std::clock_t before = std::clock();
  EXPECT_EQ(run().reason, MachineExitReason::power_off);
  const double used = static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC;
  EXPECT_LT(used, 0.15);  // of 0.3 seconds
  EXPECT_EQ(console.text, "w");
}

TEST_P(PcTest, StateGoesIntoAnotherMachine) {
  if (lacks_interrupts()) GTEST_SKIP() << "set STRATA_TEST_KVM=1 where /dev/kvm is a real one";
  make("i");
  while (console.text.size() < 2) ASSERT_EQ(run(5ms).reason, MachineExitReason::stopped);
  const auto blob = pc->save();
  ASSERT_TRUE(blob) << blob.error().message;
  pc.reset();
  make("p");  // boots something else: the state decides
  const auto restored = pc->restore(*blob);
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_EQ(run().reason, MachineExitReason::power_off);
  EXPECT_EQ(console.text, ".....");
}

TEST_P(PcTest, SavingTwiceGivesTheSame) {
  make("b");
  run(50ms);
  const auto first = pc->save();
  ASSERT_TRUE(first);
  ASSERT_TRUE(pc->restore(*first));
  const auto second = pc->save();
  ASSERT_TRUE(second);
  // The clock goes on between the two: 8 bytes behind the headers of "pc" and "board".
  const size_t clock = 1 + 2 + 4 + 8 + 1 + 5 + 4 + 8;
  ASSERT_EQ(first->size(), second->size());
  EXPECT_TRUE(std::equal(first->begin(), first->begin() + clock, second->begin()));
}

TEST_P(PcTest, DamagedStateIsAnError) {
  make("p");
  const auto blob = *pc->save();
  for (size_t size = 0; size < blob.size(); size += size < 3000 ? 1 : 997) {
    EXPECT_FALSE(pc->restore(std::span(blob).first(size))) << size;
  }
  auto more = options("p");
  more.memory = 32 * mib;
  auto other = Pc::make(std::move(more));
  ASSERT_TRUE(other);
  const auto refused = (*other)->restore(blob);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "saved state is of a machine with 16 MiB of memory, this one has 32 MiB");
}

TEST_P(PcTest, RandomStateIsHarmless) {
  make("p");
  const auto blob = *pc->save();
  uint32_t seed = 3;
  for (int i = 0; i < 300; ++i) {
    auto damaged = blob;
    for (int j = 0; j < 4; ++j) {
      seed = seed * 1664525 + 1013904223;
      damaged[seed % std::min<size_t>(damaged.size(), 2500)] = static_cast<std::byte>(seed >> 24);
    }
    (void)pc->restore(damaged);
  }
  EXPECT_TRUE(pc->reset());
  EXPECT_EQ(run().reason, MachineExitReason::power_off);
}

TEST_P(PcTest, WrongOptionsAreToldInOneLine) {
  auto small = options("p");
  small.memory = 4096;
  EXPECT_EQ(Pc::make(std::move(small)).error().message, "memory of 4096 bytes: a PC has between 2M and 1T");
  auto many = options("p");
  many.cpus = 65;
  EXPECT_EQ(Pc::make(std::move(many)).error().message, "65 processors: a PC has between 1 and 64");
  auto firmware = options("p");
  firmware.firmware.resize(5000);
  EXPECT_FALSE(Pc::make(std::move(firmware)));
}

TEST_P(PcTest, KvmRunsOneProcessor) {
  if (!on_kvm()) GTEST_SKIP() << "about KVM";
  auto two = options("p");
  two.cpus = 2;
  EXPECT_EQ(Pc::make(std::move(two)).error().message, "engine kvm runs one processor: 2 of them need engine jit");
}

TEST_P(PcTest, FirmwareStartsAtTheResetVector) {
  auto bios = options("");
  bios.boot.reset();
  bios.firmware.resize(65536, std::byte{0xf4});
  // f000:fff0  mov al, 3; out 0xf4, al; hlt
  const uint8_t code[] = {0xb0, 0x03, 0xe6, 0xf4, 0xf4};
  std::ranges::transform(code, bios.firmware.begin() + 0xfff0, [](uint8_t b) { return std::byte{b}; });
  auto made = Pc::make(std::move(bios));
  ASSERT_TRUE(made) << made.error().message;
  pc = std::move(*made);
  const MachineExit exit = run();
  EXPECT_EQ(exit.reason, MachineExitReason::debug_exit);
  EXPECT_EQ(exit.code, 7u);
}

INSTANTIATE_TEST_SUITE_P(Engines, PcTest, testing::Values("interp", "kvm"),
                         [](const auto& param_info) { return std::string(param_info.param); });

}  // namespace
}  // namespace strata::machine::pc

#endif
