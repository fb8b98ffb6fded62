// Resource limits, scheduler, I/O priority and memory policy of a process.
#include "container/process/process.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace strata::container {
namespace {

constexpr int ioprio_who_process = 1;

}  // namespace

Result<void> set_limits(const std::vector<ResourceLimit>& limits) {
  for (const auto& limit : limits) {
    const rlimit value{.rlim_cur = limit.soft, .rlim_max = limit.hard};
    if (::setrlimit(static_cast<__rlimit_resource_t>(limit.resource), &value) != 0)
      return fail_errno("setting {} to {}, at most {} (above the runtime's own it needs CAP_SYS_RESOURCE)", limit.name,
                        limit.soft, limit.hard);
  }
  return {};
}

Result<void> set_scheduler(const Scheduler& scheduler) {
  if (::syscall(SYS_sched_setattr, 0, &scheduler, 0) != 0) return fail_errno("setting the scheduler");
  return {};
}

Result<void> set_io_priority(int priority) {
  if (::syscall(SYS_ioprio_set, ioprio_who_process, 0, priority) != 0) return fail_errno("setting the I/O priority");
  return {};
}

Result<void> set_memory_policy(const MemoryPolicy& policy) {
  // The kernel reads one bit less than it is told of.
  const unsigned long count = policy.nodes.empty() ? 0 : policy.nodes.size() * 8 * sizeof(unsigned long) + 1;
  if (::syscall(SYS_set_mempolicy, policy.mode, count ? policy.nodes.data() : nullptr, count) != 0)
    return fail_errno("linux.memoryPolicy (are its nodes there, and does its mode take nodes?)");
  return {};
}

}  // namespace strata::container
