// Tests of running, reading and stopping processes of the host.
#include "base/process.h"

#include "base/unique_fd.h"

#include <gmock/gmock.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>
#include <thread>

namespace strata {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Command shell(std::string script) { return Command{{"sh", "-c", std::move(script)}}; }

TEST(Process, GivesTheExitCode) {
  EXPECT_EQ(run_command(shell("exit 0")), 0);
  EXPECT_EQ(run_command(shell("exit 3")), 3);
}

TEST(Process, HandsOnLinesOfBothOutputs) {
  std::vector<std::string> lines;
  const auto code = run_command(shell("echo one; echo two >&2; printf '10%%\\r20%%\\r'; printf last"),
                                [&](std::string_view line) { lines.emplace_back(line); });
  EXPECT_EQ(code, 0);
  EXPECT_THAT(lines, ElementsAre("one", "two", "10%", "20%", "last"));
}

TEST(Process, CutsALineThatNeverEnds) {
  std::size_t longest = 0;
  ASSERT_TRUE(run_command(shell("head -c 1000000 /dev/zero | tr '\\0' x"),
                          [&](std::string_view line) { longest = std::max(longest, line.size()); }));
  EXPECT_EQ(longest, 4096u);
}

TEST(Process, SaysThatAProgramIsMissing) {
  const auto code = run_command(Command{{"no-such-program-here"}});
  ASSERT_FALSE(code);
  EXPECT_EQ(code.error().code, ErrorCode::not_found);
  EXPECT_THAT(code.error().message, HasSubstr("no-such-program-here"));
}

TEST(Process, SaysWhichSignalEndedIt) {
  const auto code = run_command(shell("kill -9 $$"));
  ASSERT_FALSE(code);
  EXPECT_THAT(code.error().message, HasSubstr("signal 9"));
}

TEST(Process, AddsToTheEnvironment) {
  ::setenv("STRATA_TEST_VALUE", "old", 1);
  Command command = shell("echo $STRATA_TEST_VALUE $STRATA_TEST_VALUES");
  command.environment = {{"STRATA_TEST_VALUE", "new"}};
  EXPECT_EQ(output_of(command), "new\n");
}

TEST(Process, OutputOfDropsErrorsAndWantsSuccess) {
  EXPECT_EQ(output_of(shell("echo out; echo err >&2")), "out\n");
  EXPECT_FALSE(output_of(shell("echo out; exit 1")));
}

// Whether the pid becomes no process any more, or a zombie that init has not reaped yet, within a second.
bool ends(const std::string& pid) {
  const std::string state = "cut -d' ' -f3 /proc/" + pid + "/stat 2>/dev/null";
  for (int i = 0; i < 100; ++i) {
    const auto letter = output_of(shell(state));
    if (!letter || *letter == "Z\n" || *letter == "X\n") return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

TEST(Process, StopsTheWholeGroupWhenCancelled) {
  const UniqueFd cancel(::eventfd(0, EFD_CLOEXEC));
  std::string grandchild;
  const auto cancel_at_output = [&](std::string_view line) {
    grandchild = line;
    ::eventfd_write(cancel.get(), 1);
  };
  const auto code = run_command(shell("sleep 1000 & echo $!; wait"), cancel_at_output, cancel.get());
  ASSERT_FALSE(code);
  EXPECT_EQ(code.error().code, ErrorCode::cancelled);
  EXPECT_TRUE(ends(grandchild));
}

TEST(Process, KillsWhatDoesNotStop) {
  const UniqueFd cancel(::eventfd(0, EFD_CLOEXEC));
  Command command = shell("trap '' TERM; echo ready; while :; do sleep 0.01; done");
  command.grace = std::chrono::milliseconds(200);
  const auto started = std::chrono::steady_clock::now();
  const auto code = run_command(
      command, [&](std::string_view) { ::eventfd_write(cancel.get(), 1); }, cancel.get());
  ASSERT_FALSE(code);
  EXPECT_EQ(code.error().code, ErrorCode::cancelled);
  EXPECT_GE(std::chrono::steady_clock::now() - started, command.grace);
}

TEST(Process, LeavesNoChildInTheBackground) {
  std::string child;
  EXPECT_EQ(run_command(shell("sleep 1000 & echo $!"), [&](std::string_view line) { child = line; }), 0);
  EXPECT_TRUE(ends(child));
}

}  // namespace
}  // namespace strata
