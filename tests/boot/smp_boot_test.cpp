// Debian's cloud kernel on several processors of Strata's own engine.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "machine/pc/engines.h"
#include "tests/boot/test_pc.h"

namespace strata::test {
namespace {

using machine::pc::MachineExitReason;
using std::chrono_literals::operator""s;
using testing::HasSubstr;

struct SmpCase {
  const char* name;
  const char* guest;
  unsigned cpus;
  bool translated;
};

class SmpBootTest : public testing::TestWithParam<SmpCase> {};

/// Each processor counts by itself, one is taken offline and online again, then all count once more.
constexpr const char* script =
    "\"echo processors $(grep -c ^processor /proc/cpuinfo) $(nproc); "
    "count() { taskset $((1 << $1)) sh -c 'i=0; while [ $i -lt 3000 ]; do i=$((i+1)); done; "
    "set -- $(cat /proc/self/stat); echo on ${39}: $i'; }; "
    "all() { n=$(nproc); c=0; while [ $c -lt $n ]; do count $c & c=$((c+1)); done; wait; }; all; "
    "echo 0 > /sys/devices/system/cpu/cpu1/online && echo offline $(nproc); "
    "echo 1 > /sys/devices/system/cpu/cpu1/online && echo online $(nproc); "
    "count 1\"";

TEST_P(SmpBootTest, AllProcessorsWork) {
  const SmpCase& c = GetParam();
  const auto folder = guest_folder(c.guest);
  if (!std::filesystem::exists(folder / "vmlinuz")) GTEST_SKIP() << "tests/guests/fetch " << c.guest;
  TestPc machine;
  machine::pc::PcOptions options;
  options.memory = uint64_t{512} << 20;
  options.cpus = c.cpus;
  options.make_vcpus = c.translated ? machine::pc::jit_engine({}) : machine::pc::interp_engine({});
  options.boot = {.kernel = read_file(folder / "vmlinuz"),
                  .initrd = read_file(folder / "initrd"),
                  .command_line = std::string("console=ttyS0 strata.cmd=") + script};
  const auto made = machine.make(std::move(options));
  ASSERT_TRUE(made) << made.error().message;
  const auto exit = machine.run(600s);
  EXPECT_EQ(exit.reason, MachineExitReason::power_off) << exit.message << machine.pc().vcpu().describe();
  const std::string& text = machine.console().text();
  EXPECT_THAT(text, HasSubstr(fmt::format("processors {0} {0}", c.cpus)));
  for (unsigned number = 0; number < c.cpus; ++number) EXPECT_THAT(text, HasSubstr(fmt::format("on {}: 3000", number)));
  EXPECT_THAT(text, HasSubstr(fmt::format("offline {}", c.cpus - 1)));
  EXPECT_THAT(text, HasSubstr(fmt::format("online {}", c.cpus)));
  const size_t again = text.rfind("on 1: 3000");
  EXPECT_GT(again, text.find(fmt::format("online {}", c.cpus))) << "the processor that was offline works";
  EXPECT_NE(again, std::string::npos);
  EXPECT_THAT(text, HasSubstr("STRATA-GUEST-EXIT 0"));
  EXPECT_THAT(text, testing::Not(testing::ContainsRegex("Call Trace|BUG:|unstable|not responding|stuck")));
}

std::string name(const testing::TestParamInfo<SmpCase>& one) { return one.param.name; }

INSTANTIATE_TEST_SUITE_P(Debian, SmpBootTest, testing::Values(SmpCase{"two", "trixie-cloud-amd64", 2, true}), name);
INSTANTIATE_TEST_SUITE_P(SlowDebian, SmpBootTest,
                         testing::Values(SmpCase{"four", "trixie-cloud-amd64", 4, true},
                                         SmpCase{"two_i386", "bookworm-686-pae", 2, true},
                                         SmpCase{"two_interpreted", "trixie-cloud-amd64", 2, false}),
                         name);

}  // namespace
}  // namespace strata::test
