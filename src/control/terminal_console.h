// A guest's console on the terminal from which Strata was started, or on what stands in its place.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "base/event_loop.h"
#include "base/result.h"
#include "control/raw_terminal.h"
#include "iface/console.h"
#include "memory/address_space.h"

namespace strata::control {

/// All of it, also where the descriptor does not block, as a terminal's after TerminalConsole has begun to read it. What
/// nobody takes for a second is lost.
void write_patiently(int fd, std::span<const std::byte> bytes);

/// Whose console it is.
enum class ConsoleOf : uint8_t {
  machine,  ///< end of input is no reason to stop: the guest just hears no more
  program,  ///< run by our first process: input waits for the first octet that this writes when all is set up, which is
  ///< not shown, so nothing is lost or echoed; where it is no terminal its end is typed, as a terminal's Ctrl-D
};

/// Standard input and output. A terminal is put into raw mode and put back at the end. There Ctrl-] then q leaves, Ctrl-]
/// twice types one Ctrl-]. What the guest does not take yet is not read either, beyond a few KiB.
class TerminalConsole final : public iface::Console {
 public:
  /// `leave` is called, on the loop's thread, when the user wants out. Loop and lock outlive the console.
  [[nodiscard]] static Result<std::unique_ptr<TerminalConsole>> make(EventLoop& loop, memory::DeviceLock& lock,
                                                                     ConsoleOf whose, std::function<void()> leave);
  ~TerminalConsole() override { give_back(); }

  /// The terminal is as it was, and nothing is read any more.
  void give_back();

  void write(std::span<const std::byte> bytes) override;
  size_t read(std::span<std::byte> out) override;
  void on_input(std::function<void()> callback) override { input_callback_ = std::move(callback); }

 private:
  TerminalConsole(EventLoop& loop, memory::DeviceLock& lock, ConsoleOf whose, std::function<void()> leave)
      : loop_(loop), lock_(lock), whose_(whose), leave_(std::move(leave)) {}
  Result<void> watch_input();
  void input_ready();
  void input_ended();
  void typed(std::byte key);

  EventLoop& loop_;
  memory::DeviceLock& lock_;
  const ConsoleOf whose_;
  std::function<void()> leave_;
  std::function<void()> input_callback_;
  std::optional<RawTerminal> raw_;  ///< where standard input is a terminal
  LeaveKeys leave_keys_;
  std::optional<FdWatch> input_watch_;
  int input_flags_ = -1;  ///< of its open file, as they were
  std::deque<std::byte> input_;
  bool paused_ = false;         ///< there is much input already
  bool guest_is_ready_ = true;  ///< for input
  bool line_is_open_ = false;   ///< the last octet of input did not end a line
};

/// What a guest prints as errors, on standard error; it hears nothing.
class ErrorConsole final : public iface::Console {
 public:
  void write(std::span<const std::byte> bytes) override;
  size_t read(std::span<std::byte>) override { return 0; }
  void on_input(std::function<void()>) override {}
};

}  // namespace strata::control
