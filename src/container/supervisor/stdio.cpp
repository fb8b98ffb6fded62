// Pipes and terminals of supervised programs.
#include "container/supervisor/stdio.h"

#include "container/sockets.h"
#include "container/supervisor/protocol.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

namespace strata::container {
namespace {

constexpr const char* console_name = "console";
constexpr char end_of_file_key = 4;  // Ctrl-D, as a terminal's line discipline knows it

Result<void> make_pipe(UniqueFd& read_end, UniqueFd& write_end, const UniqueFd& ours) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno("making a pipe");
  read_end.reset(ends[0]);
  write_end.reset(ends[1]);
  if (::fcntl(ours.get(), F_SETFL, O_NONBLOCK) != 0) return fail_errno("making a pipe");
  return {};
}

// By a name in the working directory: an address has room for 107 letters only.
Result<UniqueFd> listen_for_console() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, console_name);
  ::unlink(console_name);
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket || ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(socket.get(), 1) != 0)
    return fail_errno("listening for the terminal");
  return socket;
}

}  // namespace

Result<ProgramStdio> ProgramStdio::make(bool terminal, bool input) {
  ProgramStdio stdio;
  stdio.terminal_ = terminal;
  UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null) return fail_errno("/dev/null");
  if (terminal) {
    stdio.console_ = STRATA_TRY(listen_for_console());
    stdio.program_input_ = std::move(null);
    return stdio;
  }
  STRATA_TRY(make_pipe(stdio.output_, stdio.program_output_, stdio.output_));
  STRATA_TRY(make_pipe(stdio.error_output_, stdio.program_error_output_, stdio.error_output_));
  if (input) STRATA_TRY(make_pipe(stdio.program_input_, stdio.input_, stdio.input_));
  else stdio.program_input_ = std::move(null);
  return stdio;
}

void ProgramStdio::become() const {
  const int null = program_input_.get();
  ::dup2(program_input_.get(), STDIN_FILENO);
  ::dup2(program_output_ ? program_output_.get() : null, STDOUT_FILENO);
  ::dup2(program_error_output_ ? program_error_output_.get() : null, STDERR_FILENO);
}

void ProgramStdio::forget_program_ends() {
  program_input_.reset();
  program_output_.reset();
  program_error_output_.reset();
}

Result<void> ProgramStdio::take_terminal() {
  const UniqueFd sender(::accept4(console_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!sender) return fail_errno("taking the terminal");
  output_ = STRATA_TRY(receive_fd(sender.get()));
  console_.reset();
  ::unlink(console_name);
  if (::fcntl(output_.get(), F_SETFL, O_NONBLOCK) != 0) return fail_errno("taking the terminal");
  if (size_.height > 0) resize(size_);
  flush_input();
  return {};
}

void ProgramStdio::resize(TerminalSize size) {
  size_ = size;
  const winsize window{.ws_row = size.height, .ws_col = size.width, .ws_xpixel = 0, .ws_ypixel = 0};
  if (terminal_ && output_) ::ioctl(output_.get(), TIOCSWINSZ, &window);
}

std::string_view ProgramStdio::read(bool error_output) {
  static char buffer[longest_packet - 1];
  UniqueFd& from = error_output ? error_output_ : output_;
  if (!from) return {};
  const ssize_t size = ::read(from.get(), buffer, sizeof buffer);
  if (size > 0) return {buffer, static_cast<std::size_t>(size)};
  // A terminal whose program is gone says EIO.
  if (size == 0 || (errno != EAGAIN && errno != EINTR)) from.reset();
  return {};
}

void ProgramStdio::write(std::string_view bytes) {
  waiting_ += bytes;
  flush_input();
}

void ProgramStdio::end_input() {
  if (terminal_) return write({&end_of_file_key, 1});
  end_after_waiting_ = true;
  flush_input();
}

void ProgramStdio::flush_input() {
  if (console_) return;  // the terminal is still to come
  const int to = input();
  while (!waiting_.empty() && to >= 0) {
    const ssize_t size = ::write(to, waiting_.data(), waiting_.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN) return;
    if (size < 0) break;  // nobody reads it any more
    waiting_.erase(0, static_cast<std::size_t>(size));
  }
  std::string().swap(waiting_);
  if (end_after_waiting_) input_.reset();
}

}  // namespace strata::container
