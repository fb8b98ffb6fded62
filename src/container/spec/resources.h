// Resources: what a container may use, as the `linux.resources` of config.json and the file of `update` say it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace strata::container {

struct DeviceRule {
  bool allow = false;
  char type = 'a';                    // a (all), b, c
  std::optional<std::int64_t> major;  // none: every
  std::optional<std::int64_t> minor;
  std::string access;  // of "rwm"; empty: all
};

/// Bytes; -1 is no limit.
struct MemoryLimits {
  std::optional<std::int64_t> limit;
  std::optional<std::int64_t> reservation;
  std::optional<std::int64_t> swap;  // memory and swap together, as in cgroup v1
  std::optional<std::int64_t> kernel_tcp;
  std::optional<std::uint64_t> swappiness;
  std::optional<bool> disable_oom_killer;
  bool check_before_update = false;

  [[nodiscard]] bool any() const {
    return limit || reservation || swap || kernel_tcp || swappiness || disable_oom_killer;
  }
};

/// Times in microseconds.
struct CpuLimits {
  std::optional<std::uint64_t> shares;
  std::optional<std::int64_t> quota;
  std::optional<std::uint64_t> burst;
  std::optional<std::uint64_t> period;
  std::optional<std::int64_t> realtime_runtime;
  std::optional<std::uint64_t> realtime_period;
  std::string cpus;
  std::string mems;
  std::optional<std::int64_t> idle;

  [[nodiscard]] bool any_time() const {
    return shares || quota || burst || period || realtime_runtime || realtime_period || idle;
  }
};

/// What one block device gets: a weight, or a rate in bytes or operations a second.
struct BlockDeviceRate {
  std::int64_t major = 0;
  std::int64_t minor = 0;
  std::uint64_t rate = 0;
};

struct BlockLimits {
  std::optional<std::uint16_t> weight;
  std::optional<std::uint16_t> leaf_weight;
  std::vector<BlockDeviceRate> device_weights, device_leaf_weights;
  std::vector<BlockDeviceRate> read_bytes, write_bytes, read_operations, write_operations;

  [[nodiscard]] bool any() const {
    return weight || leaf_weight || !device_weights.empty() || !device_leaf_weights.empty() || !read_bytes.empty() ||
           !write_bytes.empty() || !read_operations.empty() || !write_operations.empty();
  }
};

struct Resources {
  std::vector<DeviceRule> devices;
  MemoryLimits memory;
  CpuLimits cpu;
  std::optional<std::int64_t> pids_limit;  // 0 or less: no limit
  BlockLimits block;
  std::map<std::string, std::uint64_t> hugepage_limits;  // by page size, as "2MB"
  std::optional<std::uint32_t> network_class;
  std::map<std::string, std::uint32_t> network_priorities;  // by interface
  std::map<std::string, std::string> rdma;                  // by device, as the kernel's file takes it
  std::map<std::string, std::string> unified;               // files of cgroup v2 and their contents
};

}  // namespace strata::container
