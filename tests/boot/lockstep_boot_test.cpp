// Debian's kernels boot with interpreter and translator side by side, which must agree all the way; counted runs repeat.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "machine/pc/lockstep.h"
#include "tests/boot/test_pc.h"

namespace strata::test {
namespace {

using machine::pc::CountedOptions;
using machine::pc::Lockstep;
using machine::pc::MachineExitReason;

/// Memory is compared as a whole: no more of it than the guests need.
constexpr uint64_t memory = uint64_t{256} << 20;
constexpr uint64_t longest_boot = 20'000'000'000;  // instructions

class LockstepBootTest : public testing::TestWithParam<const char*> {};

TEST_P(LockstepBootTest, BothBackEndsAgreeToTheEnd) {
  const auto folder = guest_folder(GetParam());
  if (!std::filesystem::exists(folder / "vmlinuz")) GTEST_SKIP() << "tests/guests/fetch " << GetParam();
  CollectingConsole console;
  CountedOptions machine;
  machine.memory = memory;
  machine.console = &console;
  machine.vcpu.backend = engine::BackendKind::jit;
  machine.boot = {.kernel = read_file(folder / "vmlinuz"),
                  .initrd = read_file(folder / "initrd"),
                  .command_line = "console=ttyS0 strata.cmd=\"cat /proc/interrupts; date\""};
  const auto lockstep = Lockstep::make({.machine = std::move(machine)});
  ASSERT_TRUE(lockstep) << lockstep.error().message;
  const auto end = (*lockstep)->run(longest_boot);
  ASSERT_TRUE(end) << end.error().message;
  ASSERT_FALSE(end->difference) << "after " << end->difference->insns << " instructions: " << end->difference->text;
  ASSERT_TRUE(end->exit);
  EXPECT_EQ(end->exit->reason, MachineExitReason::power_off) << end->exit->message;
  EXPECT_THAT(console.text(), testing::HasSubstr("STRATA-GUEST-EXIT 0"));
}

INSTANTIATE_TEST_SUITE_P(SlowDebian, LockstepBootTest, testing::Values("trixie-cloud-amd64", "bookworm-686-pae"));

}  // namespace
}  // namespace strata::test
