// Debian's kernels boot in the virtual PC on Strata's own engine, interpreted and translated.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tuple>

#include "machine/pc/engines.h"
#include "tests/boot/test_pc.h"

namespace strata::test {
namespace {

using machine::pc::MachineExitReason;
using std::chrono_literals::operator""s;

class OwnEngineBootTest : public testing::TestWithParam<std::tuple<const char*, bool>> {};

TEST_P(OwnEngineBootTest, ReachesTheMarkerAndPowersOff) {
  const auto [guest, translated] = GetParam();
  const auto folder = guest_folder(guest);
  if (!std::filesystem::exists(folder / "vmlinuz")) GTEST_SKIP() << "tests/guests/fetch " << guest;
  TestPc machine;
  machine::pc::PcOptions options;
  options.memory = uint64_t{512} << 20;
  options.make_vcpus = translated ? machine::pc::jit_engine({}) : machine::pc::interp_engine({});
  options.boot = {.kernel = read_file(folder / "vmlinuz"),
                  .initrd = read_file(folder / "initrd"),
                  .command_line = "console=ttyS0 strata.cmd=\"cat /proc/interrupts; date\""};
  if (const char* more = std::getenv("STRATA_TEST_APPEND"))
    options.boot->command_line.insert(0, std::string(more) + " ");
  const auto made = machine.make(std::move(options));
  ASSERT_TRUE(made) << made.error().message;
  const auto exit = machine.run(600s);
  EXPECT_EQ(exit.reason, MachineExitReason::power_off) << exit.message << machine.pc().vcpu().describe();
  EXPECT_THAT(machine.console().text(), testing::HasSubstr("STRATA-GUEST-READY"));
  EXPECT_THAT(machine.console().text(), testing::HasSubstr("STRATA-GUEST-EXIT 0"));
  for (const iface::Figure& figure : machine.pc().figures())
    std::printf("%s %llu\n", figure.name.c_str(), static_cast<unsigned long long>(figure.value));
}

INSTANTIATE_TEST_SUITE_P(SlowDebian, OwnEngineBootTest,
                         testing::Combine(testing::Values("trixie-cloud-amd64", "bookworm-686-pae", "trixie-amd64",
                                                          "sid-amd64"),
                                          testing::Bool()));

}  // namespace
}  // namespace strata::test
