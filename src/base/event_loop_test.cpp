// The event loop: posts, descriptors, timers, signals, and ending.
#include "base/event_loop.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <future>
#include <optional>
#include <vector>

#include "base/unique_fd.h"

namespace strata {
namespace {

using namespace std::chrono_literals;

struct Pipe {
  UniqueFd read_end, write_end;
  Pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0) read_end = UniqueFd(ends[0]), write_end = UniqueFd(ends[1]);
  }
};

TEST(EventLoop, RunsPostsInOrderOnItsThread) {
  auto loop = EventLoop::make().value();
  std::vector<int> order;
  for (int i = 0; i < 3; ++i) {
    loop->post([&, i] {
      order.push_back(i);
      EXPECT_TRUE(loop->on_loop_thread());
    });
  }
  EXPECT_TRUE(order.empty());
  loop->post([&] { loop->stop(); });
  loop->run();
  EXPECT_EQ(order, (std::vector{0, 1, 2}));
  EXPECT_FALSE(loop->on_loop_thread());
}

TEST(EventLoop, RunsOnAThreadOfItsOwn) {
  auto loop = EventLoop::make().value();
  ASSERT_TRUE(loop->start());
  std::promise<std::thread::id> id;
  loop->post([&] { id.set_value(std::this_thread::get_id()); });
  EXPECT_TRUE(id.get_future().get() != std::this_thread::get_id());
  loop->join();
}

TEST(EventLoop, StopAsksForTheNextRunToo) {
  auto loop = EventLoop::make().value();
  loop->stop();
  loop->run();  // returns: a stop before run() is not lost
}

TEST(FdWatch, CallsBackWhileThereIsSomethingToRead) {
  auto loop = EventLoop::make().value();
  Pipe pipe;
  int calls = 0;
  auto watch = FdWatch::make(*loop, pipe.read_end.get(), FdWatch::For::reading, [&] {
    char byte;
    EXPECT_EQ(read(pipe.read_end.get(), &byte, 1), 1);
    if (++calls == 3) loop->stop();
  });
  ASSERT_TRUE(watch);
  EXPECT_EQ(write(pipe.write_end.get(), "abc", 3), 3);
  loop->run();
  EXPECT_EQ(calls, 3);
  watch = tl::unexpected<Error>(Error{});
  EXPECT_EQ(write(pipe.write_end.get(), "d", 1), 1);  // the descriptor is still ours, and nobody is called
  loop->post([&] { loop->stop(); });
  loop->run();
  EXPECT_EQ(calls, 3);
}

TEST(FdWatch, ARegularFileIsAlwaysReady) {
  auto loop = EventLoop::make().value();
  UniqueFd file(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  ASSERT_GE(file.get(), 0);
  int calls = 0;
  auto watch = FdWatch::make(*loop, file.get(), FdWatch::For::reading, [&] {
    if (++calls == 2) loop->stop();
  });
  ASSERT_TRUE(watch);
  loop->run();
  EXPECT_EQ(calls, 2);
}

TEST(FdWatch, RefusesADescriptorThatIsNotOpen) {
  auto loop = EventLoop::make().value();
  EXPECT_FALSE(FdWatch::make(*loop, 100000, FdWatch::For::reading, [] {}));
}

TEST(LoopTimer, FiresOnceAtTheLastDeadlineSet) {
  auto loop = EventLoop::make().value();
  int fired = 0;
  const auto begin = EventLoop::Clock::now();
  LoopTimer timer(*loop, [&] {
    ++fired;
    EXPECT_GE(EventLoop::Clock::now() - begin, 20ms);
  });
  timer.set_after(1ms);
  timer.set_after(20ms);
  LoopTimer cancelled(*loop, [&] { ADD_FAILURE(); });
  cancelled.set_after(5ms);
  cancelled.cancel();
  LoopTimer end(*loop, [&] { loop->stop(); });
  end.set_after(40ms);
  loop->run();
  EXPECT_EQ(fired, 1);
}

TEST(LoopTimer, CanBeSetAndDestroyedFromItsOwnCallback) {
  auto loop = EventLoop::make().value();
  int fired = 0;
  std::optional<LoopTimer> timer;
  timer.emplace(*loop, [&] {
    if (++fired < 3) return timer->set_after(1ms);
    timer.reset();
    loop->stop();
  });
  timer->set_after(1ms);
  loop->run();
  EXPECT_EQ(fired, 3);
}

TEST(SignalWatch, TellsTheSignal) {
  auto loop = EventLoop::make().value();
  int seen = 0;
  auto watch = SignalWatch::make(*loop, {SIGUSR1, SIGUSR2}, [&](int signal_number) {
    seen = signal_number;
    loop->stop();
  });
  ASSERT_TRUE(watch);
  raise(SIGUSR2);
  loop->run();
  EXPECT_EQ(seen, SIGUSR2);
}

}  // namespace
}  // namespace strata
