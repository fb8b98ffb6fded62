// Making terminals, and passing on what goes through them.
#include "container/lifecycle/terminal.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace strata::container {
namespace {

bool write_all(int fd, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t written = ::write(fd, data, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    data += written;
    size -= static_cast<std::size_t>(written);
  }
  return true;
}

}  // namespace

Result<Terminal> make_terminal(const std::optional<TerminalSize>& size, const User& user) {
  Terminal terminal;
  // A container may have put something else there: what it is has to be known before it is opened.
  const UniqueFd place(::open("/dev/ptmx", O_PATH | O_CLOEXEC));
  struct stat found {};
  constexpr unsigned multiplexer = 0x502;  // device 5:2
  if (!place || ::fstat(place.get(), &found) != 0) return fail_errno("making a terminal (/dev/ptmx)");
  if (!S_ISCHR(found.st_mode) || found.st_rdev != multiplexer)
    return fail(ErrorCode::bad_data, "/dev/ptmx of the container makes no terminals");
  terminal.master.reset(::open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  if (!terminal.master || ::fcntl(terminal.master.get(), F_SETFL, O_RDWR) != 0)
    return fail_errno("making a terminal (/dev/ptmx)");
  const int unlocked = 0;
  if (::ioctl(terminal.master.get(), TIOCSPTLCK, &unlocked) != 0) return fail_errno("making a terminal");
  // The other end by the descriptor: a name below /dev/pts may be another's.
  terminal.slave.reset(::ioctl(terminal.master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!terminal.slave) return fail_errno("making a terminal");
  if (size) {
    const winsize window{.ws_row = size->height, .ws_col = size->width, .ws_xpixel = 0, .ws_ypixel = 0};
    if (::ioctl(terminal.master.get(), TIOCSWINSZ, &window) != 0) return fail_errno("setting the terminal's size");
  }
  if (::fchown(terminal.slave.get(), user.uid, static_cast<gid_t>(-1)) != 0 && errno != EPERM && errno != EINVAL)
    return fail_errno("giving the terminal to user {}", user.uid);
  return terminal;
}

Result<void> take_terminal(int slave) {
  if (::ioctl(slave, TIOCSCTTY, 0) != 0) return fail_errno("taking the terminal");
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::dup2(slave, standard) < 0) return fail_errno("taking the terminal");
  return {};
}

void TerminalRelay::begin() {
  copy_size();
  termios modes{};
  if (::tcgetattr(STDIN_FILENO, &modes) != 0) return;
  saved_ = modes;
  ::cfmakeraw(&modes);
  ::tcsetattr(STDIN_FILENO, TCSANOW, &modes);
}

TerminalRelay::~TerminalRelay() {
  if (saved_) ::tcsetattr(STDIN_FILENO, TCSANOW, &*saved_);
}

void TerminalRelay::copy_size() const {
  winsize window{};
  if (master_ && ::ioctl(STDIN_FILENO, TIOCGWINSZ, &window) == 0) ::ioctl(master_.get(), TIOCSWINSZ, &window);
}

bool TerminalRelay::pass_output() {
  char buffer[8192];
  const ssize_t size = ::read(master_.get(), buffer, sizeof buffer);
  if (size > 0 && write_all(STDOUT_FILENO, buffer, static_cast<std::size_t>(size))) return true;
  if (size < 0 && errno == EINTR) return true;
  master_.reset();
  return false;
}

void TerminalRelay::pass_input() {
  char buffer[4096];
  const ssize_t size = ::read(STDIN_FILENO, buffer, sizeof buffer);
  const char end_of_input = 4;  // Ctrl-D, as the terminal's line discipline knows it
  if (size > 0) write_all(master_.get(), buffer, static_cast<std::size_t>(size));
  else if (size == 0) write_all(master_.get(), &end_of_input, 1);
}

}  // namespace strata::container
