// Limits as files of cgroup version 1.
#include "container/cgroup/cgroup.h"
#include "container/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

namespace strata::container {
namespace {

// Writes one number of a limit; the error names the file, by which the limit is known.
template <class T>
Result<void> set(const std::string& folder, std::string_view file, const std::optional<T>& value) {
  if (!value) return {};
  return with_context(write_file(fmt::format("{}/{}", folder, file), std::to_string(*value)), "limit {} = {}", file,
                      *value);
}

Result<void> set_text(const std::string& folder, std::string_view file, const std::string& value) {
  if (value.empty()) return {};
  return with_context(write_file(fmt::format("{}/{}", folder, file), value), "limit {} = {}", file, value);
}

Result<UniqueFd> open_list(const std::string& path) {
  UniqueFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file) return fail_errno("{}", path);
  return file;
}

Result<void> apply_devices(const std::string& folder, const std::vector<DeviceRule>& rules) {
  if (rules.empty()) return {};
  const UniqueFd allow = STRATA_TRY(open_list(folder + "/devices.allow"));
  const UniqueFd deny = STRATA_TRY(open_list(folder + "/devices.deny"));
  const auto number = [](const std::optional<std::int64_t>& n) { return n ? std::to_string(*n) : "*"; };
  for (const auto& rule : rules) {
    const std::string access = rule.access.empty() ? "rwm" : rule.access;
    const bool all = rule.type == 'a' && !rule.major && !rule.minor;
    const std::string line =
        all ? "a" : fmt::format("{} {}:{} {}", rule.type, number(rule.major), number(rule.minor), access);
    if (::write(rule.allow ? allow.get() : deny.get(), line.data(), line.size()) < 0)
      return fail_errno("limit devices.{} = {}", rule.allow ? "allow" : "deny", line);
  }
  return {};
}

Result<void> apply_memory(const std::string& folder, const MemoryLimits& memory) {
  // The two limits hold each other in order: memory never above memory and swap. Which goes first depends on the way.
  const auto set_both = [&]() -> Result<void> {
    if (auto first = set(folder, "memory.limit_in_bytes", memory.limit); first || !memory.swap) {
      STRATA_TRY(std::move(first));
      return set(folder, "memory.memsw.limit_in_bytes", memory.swap);
    }
    STRATA_TRY(set(folder, "memory.memsw.limit_in_bytes", memory.swap));
    return set(folder, "memory.limit_in_bytes", memory.limit);
  };
  if (memory.check_before_update && memory.limit && *memory.limit > 0) {
    const auto used = STRATA_TRY(read_file(folder + "/memory.usage_in_bytes"));
    if (std::stoll(used) > *memory.limit)
      return fail(ErrorCode::busy, "memory limit {} is below what the container uses now, {}", *memory.limit,
                  std::stoll(used));
  }
  STRATA_TRY(set_both());
  STRATA_TRY(set(folder, "memory.soft_limit_in_bytes", memory.reservation));
  STRATA_TRY(set(folder, "memory.kmem.tcp.limit_in_bytes", memory.kernel_tcp));
  STRATA_TRY(set(folder, "memory.swappiness", memory.swappiness));
  if (memory.disable_oom_killer && *memory.disable_oom_killer) return set_text(folder, "memory.oom_control", "1");
  return {};
}

Result<void> apply_cpu(const std::string& folder, const CpuLimits& cpu) {
  // A quota has to fit the period at every step: the larger of the two changes first.
  STRATA_TRY(set(folder, "cpu.shares", cpu.shares));
  if (auto first = set(folder, "cpu.cfs_period_us", cpu.period); !first) {
    STRATA_TRY(set(folder, "cpu.cfs_quota_us", cpu.quota));
    STRATA_TRY(set(folder, "cpu.cfs_period_us", cpu.period));
  }
  STRATA_TRY(set(folder, "cpu.cfs_quota_us", cpu.quota));
  STRATA_TRY(set(folder, "cpu.cfs_burst_us", cpu.burst));
  STRATA_TRY(set(folder, "cpu.rt_period_us", cpu.realtime_period));
  STRATA_TRY(set(folder, "cpu.rt_runtime_us", cpu.realtime_runtime));
  return set(folder, "cpu.idle", cpu.idle);
}

Result<void> apply_rates(const std::string& folder, std::string_view file, const std::vector<BlockDeviceRate>& rates) {
  for (const auto& rate : rates)
    STRATA_TRY(set_text(folder, file, fmt::format("{}:{} {}", rate.major, rate.minor, rate.rate)));
  return {};
}

// The weights' files are named for the scheduler that keeps them; kernels since 5.0 have bfq.
std::string weight_file(const std::string& folder, std::string_view name) {
  const std::string bfq = fmt::format("blkio.bfq.{}", name);
  return exists(folder + "/" + bfq) ? bfq : fmt::format("blkio.{}", name);
}

Result<void> apply_block(const std::string& folder, const BlockLimits& block) {
  STRATA_TRY(set(folder, weight_file(folder, "weight"), block.weight));
  STRATA_TRY(set(folder, weight_file(folder, "leaf_weight"), block.leaf_weight));
  STRATA_TRY(apply_rates(folder, weight_file(folder, "weight_device"), block.device_weights));
  STRATA_TRY(apply_rates(folder, weight_file(folder, "leaf_weight_device"), block.device_leaf_weights));
  STRATA_TRY(apply_rates(folder, "blkio.throttle.read_bps_device", block.read_bytes));
  STRATA_TRY(apply_rates(folder, "blkio.throttle.write_bps_device", block.write_bytes));
  STRATA_TRY(apply_rates(folder, "blkio.throttle.read_iops_device", block.read_operations));
  return apply_rates(folder, "blkio.throttle.write_iops_device", block.write_operations);
}

Result<void> apply_network(const Hierarchy& hierarchy, const std::string& folder, const Resources& resources) {
  if (hierarchy.has("net_cls")) STRATA_TRY(set(folder, "net_cls.classid", resources.network_class));
  if (hierarchy.has("net_prio"))
    for (const auto& [interface, priority] : resources.network_priorities)
      STRATA_TRY(set_text(folder, "net_prio.ifpriomap", fmt::format("{} {}", interface, priority)));
  return {};
}

}  // namespace

Result<void> apply_v1(const Hierarchy& hierarchy, const std::string& folder, const Resources& resources) {
  if (hierarchy.has("devices")) STRATA_TRY(apply_devices(folder, resources.devices));
  if (hierarchy.has("memory")) STRATA_TRY(apply_memory(folder, resources.memory));
  if (hierarchy.has("cpu")) STRATA_TRY(apply_cpu(folder, resources.cpu));
  if (hierarchy.has("cpuset")) {
    STRATA_TRY(set_text(folder, "cpuset.cpus", resources.cpu.cpus));
    STRATA_TRY(set_text(folder, "cpuset.mems", resources.cpu.mems));
  }
  if (hierarchy.has("pids") && resources.pids_limit)
    STRATA_TRY(set_text(folder, "pids.max", *resources.pids_limit > 0 ? std::to_string(*resources.pids_limit) : "max"));
  if (hierarchy.has("blkio")) STRATA_TRY(apply_block(folder, resources.block));
  if (hierarchy.has("hugetlb"))
    for (const auto& [size, limit] : resources.hugepage_limits)
      STRATA_TRY(set(folder, fmt::format("hugetlb.{}.limit_in_bytes", size), std::optional(limit)));
  if (hierarchy.has("rdma"))
    for (const auto& [device, line] : resources.rdma) STRATA_TRY(set_text(folder, "rdma.max", line));
  return apply_network(hierarchy, folder, resources);
}

}  // namespace strata::container
