// What a cgroup's processes have used so far, and what they may use.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace strata::container {

/// What no hierarchy here tells is not there.
struct Usage {
  std::optional<std::uint64_t> cpu_nanoseconds;
  std::optional<std::uint64_t> memory, memory_limit;  // bytes
  std::optional<std::uint64_t> pids, pids_limit;
  std::uint64_t read_bytes = 0, written_bytes = 0;  // of block devices
};

/// Of the cgroup that has these folders, one for each hierarchy.
[[nodiscard]] Usage read_usage(const std::vector<std::string>& folders);

}  // namespace strata::container
