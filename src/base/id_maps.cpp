// Id maps of user namespaces, written by ourselves or by the uidmap programs.
#include "base/id_maps.h"

#include "base/process.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <string_view>

namespace strata {
namespace {

struct MapKind {
  const char* file;
  const char* program;  // of the uidmap package, set-uid: it writes what /etc/subuid or /etc/subgid allow the user
};
constexpr MapKind user_map{"uid_map", "newuidmap"}, group_map{"gid_map", "newgidmap"};

// The kernel takes a map in one write only.
Result<void> write_proc(pid_t process, const char* name, std::string_view text) {
  const std::string path = fmt::format("/proc/{}/{}", process, name);
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file || ::write(file.get(), text.data(), text.size()) < 0) return fail_errno("writing {}", path);
  return {};
}

Result<void> write_by_program(const char* program, pid_t process, const std::vector<IdRange>& ranges) {
  Command command{.arguments = {program, std::to_string(process)}};
  for (const IdRange& range : ranges)
    for (const std::uint32_t number : {range.inside, range.outside, range.count})
      command.arguments.push_back(std::to_string(number));
  std::string said;
  const int code = STRATA_TRY(run_command(command, [&](std::string_view line) { said += line; }));
  if (code != 0) return fail(ErrorCode::permission_denied, "{}: {}", program, said);
  return {};
}

Result<void> write_map(const MapKind& kind, pid_t process, const std::vector<IdRange>& ranges) {
  if (ranges.empty()) return {};
  std::string lines;
  for (const IdRange& range : ranges) lines += fmt::format("{} {} {}\n", range.inside, range.outside, range.count);
  auto written = write_proc(process, kind.file, lines);
  const bool by_program = !written && ::geteuid() != 0 && (ranges.size() > 1 || ranges[0].count > 1);
  return by_program ? write_by_program(kind.program, process, ranges) : std::move(written);
}

}  // namespace

Result<void> write_id_maps(pid_t process, const IdMaps& maps) {
  STRATA_TRY(write_map(user_map, process, maps.users));
  // An ordinary user may map one group, his own, if the namespace gives up setgroups(2) for good.
  const auto& groups = maps.groups;
  const bool own_only = groups.size() == 1 && groups[0].count == 1 && groups[0].outside == ::getegid();
  if (::geteuid() != 0 && own_only) STRATA_TRY(write_proc(process, "setgroups", "deny"));
  return write_map(group_map, process, groups);
}

Result<UniqueFd> make_user_namespace(const IdMaps& maps) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno("making a pipe");
  const UniqueFd ours(ends[0]);
  UniqueFd theirs(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) return fail_errno("starting a process");
  if (child == 0) {  // holds the namespace until it is open; if this process is killed before, it ends too
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::unshare(CLONE_NEWUSER) != 0 || ::write(theirs.get(), "", 1) != 1) ::_exit(1);
    for (;;) ::pause();
  }
  theirs.reset();
  char byte = 0;
  const bool made = ::read(ours.get(), &byte, 1) == 1;
  auto mapped = made ? write_id_maps(child, maps) : fail("making a user namespace was refused");
  UniqueFd space(::open(fmt::format("/proc/{}/ns/user", child).c_str(), O_RDONLY | O_CLOEXEC));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  STRATA_TRY(std::move(mapped));
  if (!space) return fail_errno("opening a user namespace");
  return space;
}

}  // namespace strata
