// What containers of the escape tests try that no program of busybox can: one word says what, and 0 that it succeeded.
#include <fcntl.h>
#include <linux/keyctl.h>
#include <netinet/in.h>
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

struct Attempt {
  std::string_view word;
  int count;  // of the words that it needs
  int (*make)(char** words);
};

constexpr Attempt attempts[] = {{"with-key", 2, with_key},
                                {"find-key", 1, find_key},
                                {"trace", 1, trace},
                                {"exchange", 2, exchange},
                                {"bind", 1, bind_port}};

}  // namespace

int main(int argc, char** argv) {
  for (const auto& attempt : attempts)
    if (argc >= 2 + attempt.count && attempt.word == argv[1]) return attempt.make(argv + 2);
  std::fprintf(stderr, "attempt: with-key NAME PROGRAM..., find-key NAME, trace PID, exchange PATH PATH, bind PORT\n");
  return 2;
}
