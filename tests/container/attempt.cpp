// What containers of the escape tests try that no program of busybox can: one word says what, and 0 that it succeeded.
#include <fcntl.h>
#include <linux/keyctl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace {

constexpr long session_keyring = -3;  // KEY_SPEC_SESSION_KEYRING

int told(bool worked, const char* what) {
  if (!worked) std::perror(what);
  return worked ? 0 : 1;
}

// A key of that name in a session keyring of its own, and the program that follows with it.
int with_key(char** words) {
  if (::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr) < 0 ||
      ::syscall(SYS_add_key, "user", words[0], "secret", 6, session_keyring) < 0)
    return told(false, "making a key");
  ::execv(words[1], words + 1);
  return told(false, words[1]);
}

int find_key(char** words) {
  return told(::syscall(SYS_keyctl, KEYCTL_SEARCH, session_keyring, "user", words[0], 0) >= 0, "searching the key");
}

int trace(char** words) {
  const pid_t process = std::atoi(words[0]);
  if (::ptrace(PTRACE_ATTACH, process, nullptr, nullptr) != 0) return told(false, "attaching");
  ::waitpid(process, nullptr, __WALL);
  return told(::ptrace(PTRACE_DETACH, process, nullptr, nullptr) == 0, "detaching");
}

// Over and over exchanges what two names stand for, until it is ended.
int exchange(char** words) {
  constexpr unsigned rename_exchange = 2;
  while (true) ::syscall(SYS_renameat2, AT_FDCWD, words[0], AT_FDCWD, words[1], rename_exchange);
}

int bind_port(char** words) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<unsigned short>(std::atoi(words[0])));
  return told(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0, "binding");
}

// Runs the program, and kills it (not what it has made) before the system call of that number, counted over all processes
// that it makes. 0 if it came to its end before.
int kill_at(char** words) {
  const long wanted = std::atol(words[0]);
  int go[2];
  if (::pipe(go) != 0) return told(false, "pipe");
  const pid_t program = ::fork();
  if (program == 0) {
    char word;
    ::close(go[1]);
    (void)!::read(go[0], &word, 1);
    ::close(go[0]);
    ::execv(words[1], words + 1);
    ::_exit(127);
  }
  // Seized and not attached to: what is begun meanwhile would be stopped by a signal, and stay so when we are gone.
  constexpr long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE;
  if (::ptrace(PTRACE_SEIZE, program, nullptr, options) != 0 ||
      ::ptrace(PTRACE_INTERRUPT, program, nullptr, nullptr) != 0)
    return told(false, "tracing");
  ::close(go[0]);
  ::close(go[1]);
  long stops = 0;
  while (true) {
    int status = 0;
    const pid_t process = ::waitpid(-1, &status, __WALL);
    if (process < 0) return told(false, "waiting");
    if (WIFEXITED(status) || WIFSIGNALED(status)) {
      if (process == program) return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
      continue;
    }
    const int signal = WSTOPSIG(status);
    const bool at_call = signal == (SIGTRAP | 0x80);
    if (at_call && ++stops == 2 * wanted + 1) {  // each call stops at its begin and at its end
      ::kill(program, SIGKILL);
      return 1;  // with us the others' tracing ends, and they go on
    }
    const bool ours = at_call || signal == SIGTRAP || status >> 16 != 0;
    ::ptrace(PTRACE_SYSCALL, process, nullptr, ours ? 0 : signal);
  }
}

struct Attempt {
  std::string_view word;
  int count;  // of the words that it needs
  int (*make)(char** words);
};

constexpr Attempt attempts[] = {{"with-key", 2, with_key}, {"find-key", 1, find_key}, {"trace", 1, trace},
                                {"exchange", 2, exchange}, {"bind", 1, bind_port},    {"kill-at", 2, kill_at}};

}  // namespace

int main(int argc, char** argv) {
  for (const auto& attempt : attempts)
    if (argc >= 2 + attempt.count && attempt.word == argv[1]) return attempt.make(argv + 2);
  std::fprintf(stderr,
               "attempt: with-key NAME PROGRAM..., find-key NAME, trace PID, exchange PATH PATH, bind PORT, "
               "kill-at STEP PROGRAM...\n");
  return 2;
}
