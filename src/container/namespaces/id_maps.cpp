// Id maps of user namespaces, written by ourselves or by the uidmap programs.
#include "container/files.h"
#include "container/namespaces/namespaces.h"

#include "base/process.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace strata::container {
namespace {

std::string lines(const std::vector<IdMap>& maps) {
  std::string text;
  for (const auto& map : maps) text += fmt::format("{} {} {}\n", map.container_id, map.host_id, map.size);
  return text;
}

// The set-uid programs of the uidmap package write what /etc/subuid and /etc/subgid allow the user.
Result<void> map_by_program(const char* program, pid_t process, const std::vector<IdMap>& maps) {
  Command command{.arguments = {program, std::to_string(process)}};
  for (const auto& map : maps)
    for (const auto number : {map.container_id, map.host_id, map.size})
      command.arguments.push_back(std::to_string(number));
  std::string said;
  const int code = STRATA_TRY(run_command(command, [&](std::string_view line) { said += line; }));
  if (code != 0) return fail(ErrorCode::permission_denied, "{}: {}", program, said);
  return {};
}

}  // namespace

Result<void> write_id_maps(pid_t process, const std::vector<IdMap>& uids, const std::vector<IdMap>& gids) {
  const std::string folder = fmt::format("/proc/{}/", process);
  if (!uids.empty())
    if (auto written = write_file(folder + "uid_map", lines(uids)); !written) {
      if (::geteuid() == 0) return with_context(std::move(written), "linux.uidMappings");
      STRATA_TRY(with_context(map_by_program("newuidmap", process, uids), "linux.uidMappings"));
    }
  if (gids.empty()) return {};
  if (auto written = write_file(folder + "gid_map", lines(gids)); !written) {
    if (::geteuid() == 0) return with_context(std::move(written), "linux.gidMappings");
    // An ordinary user may map one group, his own, if the namespace gives up setgroups(2) for good.
    const bool own_only = gids.size() == 1 && gids[0].size == 1 && gids[0].host_id == ::getegid();
    if (own_only) {
      STRATA_TRY(write_file(folder + "setgroups", "deny"));
      return with_context(write_file(folder + "gid_map", lines(gids)), "linux.gidMappings");
    }
    return with_context(map_by_program("newgidmap", process, gids), "linux.gidMappings");
  }
  return {};
}

Result<UniqueFd> make_user_namespace(const std::vector<IdMap>& uids, const std::vector<IdMap>& gids) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno("making a pipe");
  const UniqueFd ours(ends[0]);
  UniqueFd theirs(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) return fail_errno("starting a process");
  if (child == 0) {  // holds the namespace until it is open; if the runtime is killed before, it ends too
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::unshare(CLONE_NEWUSER) != 0 || ::write(theirs.get(), "", 1) != 1) ::_exit(1);
    for (;;) ::pause();
  }
  theirs.reset();
  char byte = 0;
  const bool made = ::read(ours.get(), &byte, 1) == 1;
  auto mapped = made ? write_id_maps(child, uids, gids) : fail("making a user namespace was refused");
  UniqueFd space(::open(fmt::format("/proc/{}/ns/user", child).c_str(), O_RDONLY | O_CLOEXEC));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  STRATA_TRY(std::move(mapped));
  if (!space) return fail_errno("opening a user namespace");
  return space;
}

}  // namespace strata::container
