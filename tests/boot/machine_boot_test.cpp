// What a machine does beside a plain boot: other ways into the kernel, reboot, saved state, sleep; on the interpreter.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>

#include "base/bits.h"
#include "machine/pc/boot/decompress.h"
#include "machine/pc/engines.h"
#include "tests/boot/test_pc.h"

namespace strata::test {
namespace {

using machine::pc::MachineExitReason;
using std::chrono_literals::operator""s;
using testing::HasSubstr;

constexpr size_t payload_length = 0x24c;  // in the setup header

class SlowMachineBootTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    folder = guest_folder(GetParam());
    if (!std::filesystem::exists(folder / "vmlinuz")) GTEST_SKIP() << "tests/guests/fetch " << GetParam();
    kernel = read_file(folder / "vmlinuz");
  }
  machine::pc::PcOptions options(const std::string& command) {
    machine::pc::PcOptions made;
    made.memory = uint64_t{256} << 20;
    made.make_vcpus = machine::pc::jit_engine({});
    made.boot = {.kernel = kernel,
                 .initrd = read_file(folder / "initrd"),
                 .command_line = "console=ttyS0 quiet strata.cmd=\"" + command + "\""};
    return made;
  }
  void expect_boot() {
    TestPc machine;
    const auto made = machine.make(options("uname -r"));
    ASSERT_TRUE(made) << made.error().message;
    const auto exit = machine.run(600s);
    EXPECT_EQ(exit.reason, MachineExitReason::power_off) << exit.message << machine.pc().vcpu().describe();
    EXPECT_THAT(machine.console().text(), HasSubstr("STRATA-GUEST-EXIT 0"));
  }
  /// Runs until the guest has printed `text`.
  static bool run_until_printed(TestPc& machine, const std::string& text) {
    for (int i = 0; i < 600 && machine.console().text().find(text) == std::string::npos; ++i) {
      if (machine.run(1s).reason != MachineExitReason::stopped) break;
    }
    return machine.console().text().find(text) != std::string::npos;
  }

  std::filesystem::path folder;
  std::vector<std::byte> kernel;
};

TEST_P(SlowMachineBootTest, KernelUnpacksItself) {
  store_le<uint32_t>(&kernel[payload_length], 0);  // nothing to be unpacked here
  expect_boot();
}

TEST_P(SlowMachineBootTest, RebootStartsAgain) {
  TestPc machine;
  ASSERT_TRUE(machine.make(options("echo round; reboot -f")));
  ASSERT_EQ(machine.run(600s).reason, MachineExitReason::reset);
  ASSERT_TRUE(machine.pc().reset());
  ASSERT_EQ(machine.run(600s).reason, MachineExitReason::reset);
  const std::string& text = machine.console().text();
  EXPECT_NE(text.find("\nround"), text.rfind("\nround"));
}

TEST_P(SlowMachineBootTest, SavedLinuxGoesOnInAnotherMachine) {
  std::vector<std::byte> blob;
  {
    TestPc machine;
    ASSERT_TRUE(machine.make(options("echo first; sleep 4; echo second; date")));
    ASSERT_TRUE(run_until_printed(machine, "\nfirst"));
    blob = *machine.pc().save();
    EXPECT_THAT(machine.console().text(), testing::Not(HasSubstr("\nsecond")));
  }
  TestPc other;
  ASSERT_TRUE(other.make(options("false")));
  const auto restored = other.pc().restore(blob);
  ASSERT_TRUE(restored) << restored.error().message;
  const auto exit = other.run(600s);
  EXPECT_EQ(exit.reason, MachineExitReason::power_off) << exit.message;
  EXPECT_THAT(other.console().text(), HasSubstr("second"));
  EXPECT_THAT(other.console().text(), HasSubstr("STRATA-GUEST-EXIT 0"));
}

TEST_P(SlowMachineBootTest, SleepingLinuxUsesNoProcessor) {
  TestPc machine;
  ASSERT_TRUE(machine.make(options("echo first; sleep 60")));
  ASSERT_TRUE(run_until_printed(machine, "\nfirst"));
  machine.run(3s);
  const std::clock_t before = std::clock();
  EXPECT_EQ(machine.run(5s).reason, MachineExitReason::stopped);
  const double used = static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC;
  EXPECT_LT(used, 0.25);  // of five seconds
}

INSTANTIATE_TEST_SUITE_P(Debian, SlowMachineBootTest, testing::Values("trixie-cloud-amd64"));

class SlowPvhBootTest : public SlowMachineBootTest {};

TEST_P(SlowPvhBootTest, UncompressedKernel) {
  const size_t setup = (std::to_integer<size_t>(kernel[0x1f1]) + 1) * 512;
  const auto payload =
      std::span(kernel).subspan(setup + load_le<uint32_t>(&kernel[0x248]), load_le<uint32_t>(&kernel[payload_length]));
  const auto how = machine::pc::boot::compression_of(payload);
  ASSERT_TRUE(how);
  kernel = *machine::pc::boot::decompress(*how, payload, uint64_t{256} << 20);
  expect_boot();
}

INSTANTIATE_TEST_SUITE_P(Debian, SlowPvhBootTest, testing::Values("trixie-cloud-amd64"));

}  // namespace
}  // namespace strata::test
