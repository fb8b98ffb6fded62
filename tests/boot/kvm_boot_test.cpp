// Debian's kernels boot on the board under KVM: the board is tested here without our own processor.
//
// Only where STRATA_TEST_KVM=1 says that /dev/kvm is a real one: some clouds offer one that emulates the kernel mode of
// guests in software (kvm-pvm), in which no unmodified kernel comes up in reasonable time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kvm/kvm_vcpu.h"
#include "machine/pc/engines.h"
#include "tests/boot/test_pc.h"

namespace strata::test {
namespace {

using machine::pc::MachineExitReason;
using std::chrono_literals::operator""s;

class KvmBootTest : public testing::TestWithParam<const char*> {};

TEST_P(KvmBootTest, ReachesTheMarkerAndPowersOff) {
  if (std::getenv("STRATA_TEST_KVM") == nullptr) GTEST_SKIP() << "set STRATA_TEST_KVM=1 where /dev/kvm is a real one";
  if (const auto kvm = kvm::kvm_available(); !kvm) GTEST_SKIP() << kvm.error().message;
  const auto folder = guest_folder(GetParam());
  if (!std::filesystem::exists(folder / "vmlinuz")) GTEST_SKIP() << "tests/guests/fetch " << GetParam();
  TestPc machine;
  machine::pc::PcOptions options;
  options.memory = uint64_t{512} << 20;
  options.make_vcpus = machine::pc::kvm_engine();
  options.boot = {.kernel = read_file(folder / "vmlinuz"),
                  .initrd = read_file(folder / "initrd"),
                  .command_line = "console=ttyS0 strata.cmd=\"cat /proc/interrupts; date\""};
  const auto made = machine.make(std::move(options));
  ASSERT_TRUE(made) << made.error().message;
  const auto exit = machine.run(60s);
  EXPECT_EQ(exit.reason, MachineExitReason::power_off) << exit.message << machine.pc().vcpu().describe();
  EXPECT_THAT(machine.console().text(), testing::HasSubstr("STRATA-GUEST-READY"));
  EXPECT_THAT(machine.console().text(), testing::HasSubstr("STRATA-GUEST-EXIT 0"));
}

INSTANTIATE_TEST_SUITE_P(Debian, KvmBootTest, testing::Values("trixie-cloud-amd64"));
INSTANTIATE_TEST_SUITE_P(SlowDebian, KvmBootTest, testing::Values("bookworm-686-pae", "trixie-amd64", "sid-amd64"));

}  // namespace
}  // namespace strata::test
