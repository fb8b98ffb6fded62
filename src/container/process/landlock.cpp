// Landlock: what the program may write, and which TCP ports it may use, held by the kernel also against its root.
#include "container/process/process.h"

#include "container/files.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace strata::container {
namespace {

// Later versions' parts, which older headers lack (landlock(7)).
struct RulesetAttributes {
  std::uint64_t files;
  std::uint64_t network;  // from version 4 on
};
struct PortRule {
  std::uint64_t allowed;
  std::uint64_t port;
};
constexpr int port_rule = 2;
constexpr std::uint64_t bind_tcp = 1 << 0;
constexpr std::uint64_t connect_tcp = 1 << 1;
constexpr std::uint64_t truncate = 1 << 14;  // from version 3 on

constexpr std::uint64_t changing_files = LANDLOCK_ACCESS_FS_WRITE_FILE | truncate;
constexpr std::uint64_t changing = changing_files | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
                                   LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |
                                   LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
                                   LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |
                                   LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_REFER;

Result<void> allow_changes(int ruleset, const std::string& path) {
  const UniqueFd place(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!place) return fail_errno("strata.landlock.writable {}", path);
  const landlock_path_beneath_attr rule{.allowed_access = is_directory(place.get()) ? changing : changing_files,
                                        .parent_fd = place.get()};
  if (::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
    return fail_errno("strata.landlock.writable {}", path);
  return {};
}

Result<void> allow_ports(int ruleset, const std::optional<std::vector<std::uint16_t>>& ports, std::uint64_t access) {
  if (!ports) return {};
  for (const auto port : *ports) {
    const PortRule rule{.allowed = access, .port = port};
    if (::syscall(SYS_landlock_add_rule, ruleset, port_rule, &rule, 0) != 0)
      return fail_errno("strata.landlock: port {}", port);
  }
  return {};
}

Result<void> check_version(const Landlock& landlock) {
  const long version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  const long needed = landlock.bind_tcp || landlock.connect_tcp ? 4 : 3;
  if (version >= needed) return {};
  return fail(ErrorCode::unsupported, "strata.landlock needs version {} of Landlock ({}), this kernel has {}", needed,
              needed == 4 ? "Linux 6.7" : "Linux 6.2", version < 0 ? "none, or it is off" : std::to_string(version));
}

}  // namespace

Result<void> restrict_by_landlock(const Landlock& landlock) {
  STRATA_TRY(check_version(landlock));
  const RulesetAttributes handled{
      .files = landlock.writable ? changing : 0,
      .network = (landlock.bind_tcp ? bind_tcp : 0) | (landlock.connect_tcp ? connect_tcp : 0)};
  const std::size_t size = handled.network ? sizeof handled : sizeof handled.files;
  const UniqueFd ruleset(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &handled, size, 0)));
  if (!ruleset) return fail_errno("strata.landlock");
  if (landlock.writable) {
    STRATA_TRY(allow_changes(ruleset.get(), "/dev"));  // the null device and the terminals are there
    for (const auto& path : *landlock.writable) STRATA_TRY(allow_changes(ruleset.get(), path));
  }
  STRATA_TRY(allow_ports(ruleset.get(), landlock.bind_tcp, bind_tcp));
  STRATA_TRY(allow_ports(ruleset.get(), landlock.connect_tcp, connect_tcp));
  if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0)
    return fail_errno("strata.landlock (it needs process.noNewPrivileges, or a runtime with CAP_SYS_ADMIN)");
  return {};
}

}  // namespace strata::container
