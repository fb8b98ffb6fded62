// A PC for boot tests: event loop, timers, a console that collects what the guest prints, and a limit of time.
#pragma once

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "base/event_loop.h"
#include "control/host_timers.h"
#include "machine/pc/pc.h"

namespace strata::test {

/// Collects output; STRATA_TEST_CONSOLE=1 shows it too.
class CollectingConsole final : public iface::Console {
 public:
  void write(std::span<const std::byte> bytes) override {
    const std::string_view piece(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    text_ += piece;
    if (shown_ && ::write(STDERR_FILENO, piece.data(), piece.size()) < 0) shown_ = false;
  }
  size_t read(std::span<std::byte> out) override {
    size_t count = 0;
    for (; count < out.size() && !typed_.empty(); ++count, typed_.pop_front()) out[count] = std::byte(typed_.front());
    return count;
  }
  void on_input(std::function<void()> callback) override { input_ = std::move(callback); }

  /// With the device lock held.
  void type(std::string_view keys) {
    typed_.insert(typed_.end(), keys.begin(), keys.end());
    if (input_) input_();
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::deque<char> typed_;
  std::function<void()> input_;
  bool shown_ = std::getenv("STRATA_TEST_CONSOLE") != nullptr;
};

inline std::filesystem::path guest_folder(const std::string& guest) {
  const char* cache = std::getenv("STRATA_GUEST_CACHE");
  const char* home = std::getenv("HOME");
  return (cache ? std::filesystem::path(cache) : std::filesystem::path(home ? home : "/") / ".cache/strata/guests") /
         guest;
}

inline std::vector<std::byte> read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

class TestPc {
 public:
  TestPc() { (void)loop_->start(); }
  ~TestPc() {
    pc_.reset();
    loop_->join();
  }

  Result<void> make(machine::pc::PcOptions options) {
    options.timers = &timers_;
    options.lock = &lock_;
    options.console = &console_;
    pc_ = STRATA_TRY(machine::pc::Pc::make(std::move(options)));
    return {};
  }

  /// Runs until the machine has something to say, or `limit` is over (`stopped`).
  machine::pc::MachineExit run(std::chrono::seconds limit) {
    LoopTimer watchdog(*loop_, [this] { pc_->stop(); });
    watchdog.set_after(limit);
    return pc_->run();
  }

  /// The machine goes; loop and lock stay for what its devices were given.
  void close() { pc_.reset(); }

  machine::pc::Pc& pc() { return *pc_; }
  CollectingConsole& console() { return console_; }
  memory::DeviceLock& lock() { return lock_; }
  EventLoop& loop() { return *loop_; }

 private:
  std::unique_ptr<EventLoop> loop_ = *EventLoop::make();
  memory::DeviceLock lock_;
  control::HostTimers timers_{*loop_, lock_};
  CollectingConsole console_;
  std::unique_ptr<machine::pc::Pc> pc_;
};

}  // namespace strata::test
