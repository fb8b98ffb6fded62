// Raw mode, the escape key, and bytes in and out.
#include "control/terminal_console.h"

#include <poll.h>
#include <unistd.h>

#include <mutex>

namespace strata::control {
namespace {

constexpr std::byte escape_key{0x1d};  // Ctrl-]
constexpr size_t most_waiting_input = 64 * 1024;

}  // namespace

Result<std::unique_ptr<TerminalConsole>> TerminalConsole::make(EventLoop& loop, memory::DeviceLock& lock,
                                                               std::function<void()> leave) {
  std::unique_ptr<TerminalConsole> console(new TerminalConsole(lock, std::move(leave)));
  console->enter_raw_mode();
  TerminalConsole& self = *console;
  console->input_watch_ =
      STRATA_TRY(FdWatch::make(loop, STDIN_FILENO, FdWatch::For::reading, [&self] { self.input_ready(); }));
  return console;
}

TerminalConsole::~TerminalConsole() {
  input_watch_.reset();
  if (saved_terminal_) tcsetattr(STDIN_FILENO, TCSADRAIN, &*saved_terminal_);
}

void TerminalConsole::enter_raw_mode() {
  termios terminal;
  if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &terminal) != 0) return;
  saved_terminal_ = terminal;
  cfmakeraw(&terminal);
  terminal.c_oflag |= OPOST;  // messages of our own still begin at the left
  tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal);
}

void TerminalConsole::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (written > 0) {
      bytes = bytes.subspan(static_cast<size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd out{STDOUT_FILENO, POLLOUT, 0};
      constexpr int patience_ms = 1000;
      if (poll(&out, 1, patience_ms) <= 0) return;  // nobody reads: what cannot be shown is lost
    } else if (errno != EINTR) {
      return;
    }
  }
}

size_t TerminalConsole::read(std::span<std::byte> out) {
  const size_t count = std::min(out.size(), input_.size());
  std::copy_n(input_.begin(), count, out.begin());
  input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(count));
  return count;
}

void TerminalConsole::input_ready() {
  std::byte keys[256];
  const ssize_t count = ::read(STDIN_FILENO, keys, sizeof keys);
  if (count <= 0) {
    if (count == 0 || (errno != EAGAIN && errno != EINTR)) input_watch_.reset();
    return;
  }
  std::lock_guard guard(lock_);
  for (const std::byte key : std::span(keys, static_cast<size_t>(count))) typed(key);
  if (!input_.empty() && input_callback_) input_callback_();
}

void TerminalConsole::typed(std::byte key) {
  if (escape_) {
    escape_ = false;
    if (key == std::byte{'q'}) return leave_();
    if (key != escape_key) return;
  } else if (key == escape_key) {
    escape_ = true;
    return;
  }
  if (input_.size() < most_waiting_input) input_.push_back(key);
}

}  // namespace strata::control
