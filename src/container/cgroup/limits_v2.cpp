// Limits as files of cgroup version 2.
#include "container/cgroup/cgroup.h"
#include "container/files.h"

#include <algorithm>

namespace strata::container {
namespace {

Result<void> set(const std::string& folder, std::string_view file, const std::string& value) {
  return with_context(write_file(fmt::format("{}/{}", folder, file), value), "limit {} = {}", file, value);
}

std::string number_or_max(std::int64_t value) { return value < 0 ? "max" : std::to_string(value); }

// The specification speaks in v1's terms. Shares, 2 to 262,144, become weights, 1 to 10,000, in a straight line.
std::uint64_t weight_of_shares(std::uint64_t shares) {
  if (shares == 0) return 100;
  const std::uint64_t bounded = std::clamp<std::uint64_t>(shares, 2, 262'144);
  return 1 + (bounded - 2) * 9'999 / 262'142;
}

// Block weights, 10 to 1,000, become 1 to 10,000.
std::uint64_t weight_of_block(std::uint64_t weight) {
  return 1 + (std::clamp<std::uint64_t>(weight, 10, 1'000) - 10) * 9'999 / 990;
}

Result<void> apply_memory(const std::string& folder, const MemoryLimits& memory) {
  if (memory.check_before_update && memory.limit && *memory.limit > 0) {
    const auto used = STRATA_TRY(read_file(folder + "/memory.current"));
    if (std::stoll(used) > *memory.limit)
      return fail(ErrorCode::busy, "memory limit {} is below what the container uses now, {}", *memory.limit,
                  std::stoll(used));
  }
  if (memory.swap) {  // v1 counts memory and swap together, v2 swap alone
    if (*memory.swap >= 0 && !memory.limit)
      return fail(ErrorCode::bad_data, "memory.swap = {} needs memory.limit beside it", *memory.swap);
    const std::int64_t swap = *memory.swap < 0 ? -1 : *memory.limit < 0 ? *memory.swap : *memory.swap - *memory.limit;
    if (*memory.swap >= 0 && swap < 0)
      return fail(ErrorCode::bad_data, "memory.swap = {} is below memory.limit = {}", *memory.swap, *memory.limit);
    STRATA_TRY(set(folder, "memory.swap.max", number_or_max(swap)));
  }
  if (memory.limit) STRATA_TRY(set(folder, "memory.max", number_or_max(*memory.limit)));
  if (memory.reservation) STRATA_TRY(set(folder, "memory.low", number_or_max(*memory.reservation)));
  return {};
}

Result<void> apply_cpu(const std::string& folder, const CpuLimits& cpu) {
  if (cpu.idle) STRATA_TRY(set(folder, "cpu.idle", std::to_string(*cpu.idle)));
  if (cpu.shares && *cpu.shares) STRATA_TRY(set(folder, "cpu.weight", std::to_string(weight_of_shares(*cpu.shares))));
  if (cpu.quota || cpu.period) {
    const std::string quota = cpu.quota && *cpu.quota > 0 ? std::to_string(*cpu.quota) : "max";
    STRATA_TRY(set(folder, "cpu.max", fmt::format("{} {}", quota, cpu.period.value_or(100'000))));
  }
  if (cpu.burst) STRATA_TRY(set(folder, "cpu.max.burst", std::to_string(*cpu.burst)));
  if (!cpu.cpus.empty()) STRATA_TRY(set(folder, "cpuset.cpus", cpu.cpus));
  if (!cpu.mems.empty()) STRATA_TRY(set(folder, "cpuset.mems", cpu.mems));
  return {};
}

Result<void> apply_block(const std::string& folder, const BlockLimits& block) {
  const bool bfq = exists(folder + "/io.bfq.weight");
  const auto weight = [&](std::uint64_t given) { return std::to_string(bfq ? given : weight_of_block(given)); };
  const char* const weights = bfq ? "io.bfq.weight" : "io.weight";
  if (block.weight) STRATA_TRY(set(folder, weights, weight(*block.weight)));
  for (const auto& one : block.device_weights)
    STRATA_TRY(set(folder, weights, fmt::format("{}:{} {}", one.major, one.minor, weight(one.rate))));
  const auto limit = [&](std::string_view what, const std::vector<BlockDeviceRate>& rates) -> Result<void> {
    for (const auto& rate : rates)
      STRATA_TRY(
          set(folder, "io.max",
              fmt::format("{}:{} {}={}", rate.major, rate.minor, what, rate.rate ? std::to_string(rate.rate) : "max")));
    return {};
  };
  STRATA_TRY(limit("rbps", block.read_bytes));
  STRATA_TRY(limit("wbps", block.write_bytes));
  STRATA_TRY(limit("riops", block.read_operations));
  return limit("wiops", block.write_operations);
}

}  // namespace

// Limits whose controller is v1's on this host have been set there; v2 has no file for them then.
Result<void> apply_v2(const std::string& folder, const Resources& resources) {
  if (exists(folder + "/memory.max")) STRATA_TRY(apply_memory(folder, resources.memory));
  if (exists(folder + "/cpu.max") || exists(folder + "/cpuset.cpus")) STRATA_TRY(apply_cpu(folder, resources.cpu));
  if (resources.pids_limit && exists(folder + "/pids.max"))
    STRATA_TRY(set(folder, "pids.max", *resources.pids_limit > 0 ? std::to_string(*resources.pids_limit) : "max"));
  if (exists(folder + "/io.max")) STRATA_TRY(apply_block(folder, resources.block));
  for (const auto& [size, limit] : resources.hugepage_limits)
    if (exists(fmt::format("{}/hugetlb.{}.max", folder, size)))
      STRATA_TRY(set(folder, fmt::format("hugetlb.{}.max", size), std::to_string(limit)));
  for (const auto& [device, line] : resources.rdma)
    if (exists(folder + "/rdma.max")) STRATA_TRY(set(folder, "rdma.max", line));
  for (const auto& [file, value] : resources.unified) STRATA_TRY(set(folder, file, value));
  return {};
}

}  // namespace strata::container
