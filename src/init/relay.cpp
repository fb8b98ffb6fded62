// One process for each direction, which ends when its pipe does.
#include "init/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>

#include "init/files.h"
#include "init/message.h"
#include "init/system_call.h"

namespace strata::init {
namespace {

long relays[3];  // by descriptor; 0: none

bool write_all(int fd, const char* from, long size) {
  while (size > 0) {
    const long count = sys::write(fd, from, static_cast<std::size_t>(size));
    if (count < 0 && count != -EINTR) return false;
    if (count > 0) from += count, size -= count;
  }
  return true;
}

[[noreturn]] void carry(int from, int to) {
  static char octets[16 * 1024];
  long count = 0;
  while ((count = sys::read(from, octets, sizeof octets)) > 0 || count == -EINTR)
    if (count > 0 && !write_all(to, octets, count)) break;
  sys::exit(0);
}

/// The console at `standard` changes places with a pipe.
void start_relay(int standard, std::uint32_t user, std::uint32_t group) {
  int ends[2];
  if (sys::make_pipe(ends) != 0) return;
  const bool is_input = standard == 0;
  const int ours = is_input ? ends[1] : ends[0], theirs = is_input ? ends[0] : ends[1];
  const long pid = sys::fork();
  if (pid == 0) {
    sys::close(theirs);
    // The other pipes are not held, or their readers would not see the end.
    for (int other = 0; other < 3; other++)
      if (other != standard) sys::close(other);
    is_input ? carry(standard, ours) : carry(ours, standard);
  }
  sys::close(ours);
  if (pid > 0) {
    relays[standard] = pid;
    sys::change_owner(theirs, user, group);  // it may be opened again as /dev/stdout
    sys::dup_to(theirs, standard);
  }
  sys::close(theirs);
}

bool is_relay(long pid) {
  for (const long relay : relays)
    if (relay == pid) return true;
  return false;
}

bool found_any;

void kill_other(const char* name) {
  const auto pid = parse_number(name);
  if (!pid || *pid == 1 || is_relay(*pid)) return;
  TextBuffer<64> path;
  path << "/proc/" << name << "/exe";
  char target[8];
  // A thread of the kernel has no program, nor has what is dead already.
  if (sys::read_link(path.text(), target, sizeof target) < 0) return;
  if (sys::kill(static_cast<int>(*pid), SIGKILL) == 0) found_any = true;
}

}  // namespace

void start_relays(std::uint32_t user, std::uint32_t group) {
  for (int standard = 0; standard < 3; standard++) start_relay(standard, user, group);
}

void finish_relays() {
  if (relays[1] == 0) return;
  // New ones may come while we look; whoever cannot be killed now will not be later.
  constexpr unsigned most_looks = 200;
  for (unsigned look = 0; look < most_looks; look++) {
    found_any = false;
    for_each_name("/proc", kill_other);
    if (!found_any) break;
    sys::sleep({0, 1'000'000});
    while (sys::wait(-1, nullptr, 1 /* WNOHANG */) > 0) {
    }
  }
  for (const int standard : {1, 2}) {
    sys::close(standard);
    while (relays[standard] > 0 && sys::wait(static_cast<int>(relays[standard]), nullptr, 0) == -EINTR) {
    }
  }
}

}  // namespace strata::init
