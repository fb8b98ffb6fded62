// The serial console on the terminal from which Strata was started.
#pragma once

#include <termios.h>

#include <deque>
#include <functional>
#include <memory>
#include <optional>

#include "base/event_loop.h"
#include "base/result.h"
#include "iface/console.h"
#include "memory/address_space.h"

namespace strata::control {

/// Standard input and output. A terminal is put into raw mode and put back at the end. Ctrl-] then q leaves, Ctrl-]
/// twice types one Ctrl-]. End of input is no reason to stop: the guest just hears no more.
class TerminalConsole final : public iface::Console {
 public:
  /// `leave` is called, on the loop's thread, when the user wants out. Loop and lock outlive the console.
  [[nodiscard]] static Result<std::unique_ptr<TerminalConsole>> make(EventLoop& loop, memory::DeviceLock& lock,
                                                                     std::function<void()> leave);
  ~TerminalConsole() override;

  void write(std::span<const std::byte> bytes) override;
  size_t read(std::span<std::byte> out) override;
  void on_input(std::function<void()> callback) override { input_callback_ = std::move(callback); }

 private:
  TerminalConsole(memory::DeviceLock& lock, std::function<void()> leave) : lock_(lock), leave_(std::move(leave)) {}
  void enter_raw_mode();
  void input_ready();
  void typed(std::byte key);

  memory::DeviceLock& lock_;
  std::function<void()> leave_;
  std::function<void()> input_callback_;
  std::optional<termios> saved_terminal_;
  std::optional<FdWatch> input_watch_;
  std::deque<std::byte> input_;
  bool escape_ = false;  ///< Ctrl-] was the last key
};

}  // namespace strata::control
