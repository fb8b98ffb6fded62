// Id maps of user namespaces, written by ourselves or by the uidmap programs.
#include "container/files.h"
#include "container/namespaces/namespaces.h"

#include "base/process.h"

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

}  // namespace strata::container
