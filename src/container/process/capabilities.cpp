// User, groups and capabilities of a process.
#include "container/process/process.h"

#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace strata::container {
namespace {

// What this process may do, and so may give. A capability that it cannot is passed over: config.md, "Linux Process".
std::uint64_t own_permitted() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct data[2] = {};
  if (::syscall(SYS_capget, &header, data) != 0) return 0;
  return data[0].permitted | std::uint64_t{data[1].permitted} << 32;
}

Result<void> set_capabilities(std::uint64_t effective, std::uint64_t permitted, std::uint64_t inheritable) {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct data[2];
  for (int half = 0; half < 2; ++half)
    data[half] = {.effective = static_cast<std::uint32_t>(effective >> (32 * half)),
                  .permitted = static_cast<std::uint32_t>(permitted >> (32 * half)),
                  .inheritable = static_cast<std::uint32_t>(inheritable >> (32 * half))};
  if (::syscall(SYS_capset, &header, data) != 0)
    return fail_errno("taking the capabilities (no set may have more than 'permitted')");
  return {};
}

}  // namespace

Result<void> prepare_capabilities(const Capabilities& capabilities) {
  for (int n = 0; n < 64; ++n) {
    if (capabilities.bounding & (std::uint64_t{1} << n)) continue;
    if (::prctl(PR_CAPBSET_DROP, n) == 0 || errno == EPERM) continue;
    if (errno == EINVAL) break;  // the kernel knows no more
    return fail_errno("leaving capability {}", n);
  }
  if (::prctl(PR_SET_KEEPCAPS, 1) != 0) return fail_errno("keeping capabilities");
  return {};
}

Result<void> take_capabilities(const Capabilities& capabilities) {
  const std::uint64_t given = own_permitted();
  STRATA_TRY(set_capabilities(capabilities.effective & given, capabilities.permitted & given,
                              capabilities.inheritable & given));
  if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
    return fail_errno("clearing ambient capabilities");
  for (int n = 0; n < 64; ++n)
    if (capabilities.ambient & given & (std::uint64_t{1} << n))
      // One that is not both permitted and inheritable cannot be; the specification lets it be passed over.
      if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, n, 0, 0) != 0 && errno != EPERM)
        return fail_errno("raising ambient capability {}", n);
  return {};
}

Result<void> set_user(const User& user) {
  ::umask(user.umask.value_or(0022));
  // Where a user namespace forbids it (an ordinary user's), the groups stay those of the runtime.
  if (::setgroups(user.additional_gids.size(), user.additional_gids.data()) != 0 &&
      (errno != EPERM || !user.additional_gids.empty()))
    return fail_errno("setting additional groups");
  // The system call itself: the C library's would tell other threads, of which there are none.
  if (::syscall(SYS_setresgid, user.gid, user.gid, user.gid) != 0) return fail_errno("becoming group {}", user.gid);
  if (::syscall(SYS_setresuid, user.uid, user.uid, user.uid) != 0) return fail_errno("becoming user {}", user.uid);
  return {};
}

}  // namespace strata::container
