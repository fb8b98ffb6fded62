// What a run takes of the host: time and memory.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "iface/figure.h"

namespace strata::control {

/// Time since it was made, and memory now.
class HostUse {
 public:
  /// `ram` is the guest's: what the process has besides it is told apart. Rows without a source (no /proc) are left out.
  std::vector<iface::Figure> figures(std::span<const std::byte> ram) const;

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// Resident bytes of a process, from the text of its /proc/PID/smaps: those of mappings that meet [begin, end), and the
/// others.
struct ResidentBytes {
  uint64_t inside = 0;
  uint64_t outside = 0;
};
ResidentBytes resident_bytes(std::string_view smaps, uint64_t begin, uint64_t end);

}  // namespace strata::control
