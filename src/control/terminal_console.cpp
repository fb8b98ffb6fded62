// Keys in and bytes out.
#include "control/terminal_console.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <mutex>

namespace strata::control {
namespace {

constexpr std::byte end_key{0x04};  // Ctrl-D
constexpr size_t most_waiting_input = 64 * 1024;

}  // namespace

void write_patiently(int fd, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written > 0) {
      bytes = bytes.subspan(static_cast<size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd out{fd, POLLOUT, 0};
      constexpr int patience_ms = 1000;
      if (poll(&out, 1, patience_ms) <= 0) return;  // nobody reads: what cannot be shown is lost
    } else if (errno != EINTR) {
      return;
    }
  }
}

Result<std::unique_ptr<TerminalConsole>> TerminalConsole::make(EventLoop& loop, memory::DeviceLock& lock,
                                                               ConsoleOf whose, std::function<void()> leave) {
  std::unique_ptr<TerminalConsole> console(new TerminalConsole(loop, lock, whose, std::move(leave)));
  console->guest_is_ready_ = whose == ConsoleOf::machine;
  console->input_flags_ = ::fcntl(STDIN_FILENO, F_GETFL);
  if (isatty(STDIN_FILENO)) console->raw_.emplace(/*own_lines=*/true);
  STRATA_TRY(console->watch_input());
  return console;
}

Result<void> TerminalConsole::watch_input() {
  input_watch_ = STRATA_TRY(FdWatch::make(loop_, STDIN_FILENO, FdWatch::For::reading, [this] { input_ready(); }));
  return {};
}

void TerminalConsole::give_back() {
  input_watch_.reset();  // which reads without blocking, as all do then that have this terminal open
  if (input_flags_ >= 0) ::fcntl(STDIN_FILENO, F_SETFL, input_flags_);
  raw_.reset();
}

void TerminalConsole::write(std::span<const std::byte> bytes) {
  if (!guest_is_ready_ && !bytes.empty()) {
    guest_is_ready_ = true;
    bytes = bytes.subspan(1);
    if (!input_.empty() && input_callback_) input_callback_();
  }
  write_patiently(STDOUT_FILENO, bytes);
}

void ErrorConsole::write(std::span<const std::byte> bytes) { write_patiently(STDERR_FILENO, bytes); }

size_t TerminalConsole::read(std::span<std::byte> out) {
  if (!guest_is_ready_) return 0;
  const size_t count = std::min(out.size(), input_.size());
  std::copy_n(input_.begin(), count, out.begin());
  input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(count));
  if (paused_ && input_.size() < most_waiting_input / 2) {
    paused_ = false;
    loop_.post([this] { static_cast<void>(watch_input()); });
  }
  return count;
}

void TerminalConsole::input_ready() {
  std::byte keys[256];
  const ssize_t count = ::read(STDIN_FILENO, keys, sizeof keys);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  std::lock_guard guard(lock_);
  if (count <= 0) {
    input_ended();
  } else {
    for (const std::byte key : std::span(keys, static_cast<size_t>(count))) typed(key);
  }
  paused_ = input_watch_ && input_.size() >= most_waiting_input;
  if (paused_) input_watch_.reset();
  if (guest_is_ready_ && !input_.empty() && input_callback_) input_callback_();
}

void TerminalConsole::input_ended() {
  input_watch_.reset();
  if (whose_ != ConsoleOf::program || raw_) return;
  // The first one hands over a line that is not ended, as the key does on a terminal.
  input_.insert(input_.end(), line_is_open_ ? 2 : 1, end_key);
}

void TerminalConsole::typed(std::byte key) {
  line_is_open_ = key != std::byte{'\n'};
  const LeaveKeys::Meaning meaning = raw_ ? leave_keys_.hear(key) : LeaveKeys::Meaning::type;
  if (meaning == LeaveKeys::Meaning::leave) return leave_();
  if (meaning == LeaveKeys::Meaning::nothing) return;
  input_.push_back(key);
}

}  // namespace strata::control
