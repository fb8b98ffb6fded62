// fork, exec and the loop of a first process. All signals are blocked in it and fetched one by one: nothing interrupts.
#include "init/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>

#include "init/message.h"
#include "init/system_call.h"

namespace strata::init {
namespace {

constexpr int no_hang = 1;  // WNOHANG
constexpr const char* default_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

constexpr sys::SignalSet bit(int signal) { return sys::SignalSet{1} << (signal - 1); }

// What the kernel raises for a fault of this very program must end it.
constexpr sys::SignalSet fetched = ~(bit(SIGSEGV) | bit(SIGBUS) | bit(SIGFPE) | bit(SIGILL) | bit(SIGABRT) |
                                     bit(SIGTRAP) | bit(SIGSYS) | bit(SIGKILL) | bit(SIGSTOP));

std::string_view path_of(char** environment) {
  for (; *environment != nullptr; environment++) {
    std::string_view variable(*environment);
    if (take_until(variable, '=') == "PATH") return variable;
  }
  return default_path;
}

/// Like execvpe(3): tries the folders of PATH; gives the error that tells most.
long execute(const Program& program) {
  const char* const name = program.arguments[0];
  if (std::string_view(name).find('/') != std::string_view::npos)
    return sys::execute(name, program.arguments, program.environment);
  long error = -ENOENT;
  for (std::string_view path = path_of(program.environment); !path.empty();) {
    const std::string_view folder = take_until(path, ':');
    TextBuffer<4096> file;
    file << (folder.empty() ? "." : folder) << "/" << name;
    const long result = sys::execute(file.text(), program.arguments, program.environment);
    if (result != -ENOENT && result != -ENOTDIR) error = result;
  }
  return error;
}

/// Every step that fails must end the child: a program may not run as somebody else than was asked for.
long take_identity(const Identity& identity) {
  long result = sys::set_groups(identity.group_count, identity.groups);
  if (result == 0) result = sys::set_group(identity.group);
  if (result == 0) result = sys::set_user(identity.user);
  return result;
}

/// The program's group gets the terminal, if there is one and it is ours: then its keys signal the program and not us.
void take_terminal(bool own_session) {
  if (own_session) {
    sys::new_session();
    sys::control(0, TIOCSCTTY, 1);
    return;
  }
  sys::set_process_group(0, 0);
  const int group = static_cast<int>(sys::own_pid());
  sys::control(0, TIOCSPGRP, sys::word(&group));
}

[[noreturn]] void become(const Program& program, const sys::SignalSet& mask) {
  take_terminal(program.own_session);
  if (program.identity != nullptr) {
    if (const long result = take_identity(*program.identity); result != 0) {
      complain("becoming the user", "", result);
      sys::exit(126);
    }
  }
  if (program.directory != nullptr) {
    if (const long result = sys::change_directory(program.directory); result != 0) {
      complain("working directory", program.directory, result);
      sys::exit(127);
    }
  }
  sys::change_signal_mask(mask, nullptr);
  const long error = execute(program);
  complain("running", program.arguments[0], error);
  sys::exit(error == -ENOENT || error == -ENOTDIR ? 127 : 126);
}

int code_of(int status) {
  const int signal = status & 0x7f;
  return signal != 0 ? 128 + signal : status >> 8 & 0xff;
}

/// All that have ended. Tells whether the program is among them.
bool reap(int child, int& code) {
  bool ended = false;
  for (int status = 0;;) {
    const long pid = sys::wait(-1, &status, no_hang);
    if (pid == -EINTR) continue;
    if (pid <= 0) return ended;
    if (pid != child) continue;
    code = code_of(status);
    ended = true;
  }
}

long seconds_now() {
  sys::Time now{};
  sys::uptime(&now);
  return now.seconds;
}

}  // namespace

int supervise(const Program& program) {
  sys::SignalSet mask = 0;
  sys::change_signal_mask(fetched, &mask);
  sys::forget_signal_action(SIGCHLD);  // ignored, children would leave no exit code
  const long child = sys::fork();
  if (child == 0) become(program, mask);
  if (child < 0) {
    complain("starting", program.arguments[0], child);
    return 126;
  }
  long next_turn = program.first_turn == 0 ? 0 : seconds_now() + program.first_turn;
  for (;;) {
    const long left = next_turn - seconds_now();
    const sys::Time patience{left > 0 ? left : 0, 0};
    const long signal = sys::wait_for_signal(fetched, next_turn == 0 ? nullptr : &patience);
    if (signal == SIGCHLD) {
      int code = 0;
      if (reap(static_cast<int>(child), code)) return code;
    } else if (signal > 0) {
      sys::kill(static_cast<int>(child), static_cast<int>(signal));
    } else if (signal == -EAGAIN) {
      const long wait = program.turn();
      next_turn = wait == 0 ? 0 : seconds_now() + wait;
    }
  }
}

}  // namespace strata::init
