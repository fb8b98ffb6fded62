// Tests of the console on standard input and output.
#include "control/terminal_console.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "base/unique_fd.h"

namespace strata::control {
namespace {

struct Pipe {
  UniqueFd out, in;
  Pipe() {
    int ends[2] = {-1, -1};
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    out = UniqueFd(ends[0]);
    in = UniqueFd(ends[1]);
  }
};

TEST(TerminalConsole, AllIsWrittenWhereTheDescriptorDoesNotBlock) {
  Pipe pipe;
  ASSERT_EQ(::fcntl(pipe.in.get(), F_SETFL, O_NONBLOCK), 0);
  const std::string text(1'000'000, 'x');  // more than fits
  std::string read;
  std::thread reader([&] {
    char some[4096];
    for (ssize_t count; (count = ::read(pipe.out.get(), some, sizeof some)) > 0;)
      read.append(some, static_cast<size_t>(count));
  });
  write_patiently(pipe.in.get(), std::as_bytes(std::span(text)));
  pipe.in.reset();
  reader.join();
  EXPECT_EQ(read, text);
}

/// Others have it open too: a shell that was given back a descriptor that does not block would fail.
TEST(TerminalConsole, InputIsGivenBackAsItWas) {
  const UniqueFd own_input(::dup(STDIN_FILENO));
  Pipe pipe;
  ASSERT_EQ(::dup2(pipe.out.get(), STDIN_FILENO), STDIN_FILENO);
  {
    const std::unique_ptr<EventLoop> loop = *EventLoop::make();
    memory::DeviceLock lock;
    auto console = TerminalConsole::make(*loop, lock, ConsoleOf::machine, [] {});
    ASSERT_TRUE(console.has_value()) << console.error().message;
    EXPECT_NE(::fcntl(STDIN_FILENO, F_GETFL) & O_NONBLOCK, 0);
  }
  EXPECT_EQ(::fcntl(pipe.out.get(), F_GETFL) & O_NONBLOCK, 0);
  if (own_input.get() >= 0) ::dup2(own_input.get(), STDIN_FILENO);
}

}  // namespace
}  // namespace strata::control
