// Resource limits, scheduler and I/O priority of a process.
#include "container/process/process.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace strata::container {
namespace {

// sched_setattr(2), as of its first version: the kernel's header for it and the C library's cannot be included together.
struct SchedulerAttributes {
  std::uint32_t size = sizeof(SchedulerAttributes);
  std::uint32_t policy = 0;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime = 0;
  std::uint64_t deadline = 0;
  std::uint64_t period = 0;
};
static_assert(sizeof(SchedulerAttributes) == 48);

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
  SchedulerAttributes attributes{.policy = scheduler.policy,
                                 .flags = scheduler.flags,
                                 .nice = scheduler.nice,
                                 .priority = scheduler.priority,
                                 .runtime = scheduler.runtime,
                                 .deadline = scheduler.deadline,
                                 .period = scheduler.period};
  if (::syscall(SYS_sched_setattr, 0, &attributes, 0) != 0) return fail_errno("setting the scheduler");
  return {};
}

Result<void> set_io_priority(int priority) {
  if (::syscall(SYS_ioprio_set, ioprio_who_process, 0, priority) != 0) return fail_errno("setting the I/O priority");
  return {};
}

}  // namespace strata::container
