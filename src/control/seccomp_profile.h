// The filter of system calls that containers have unless told otherwise.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string_view>

namespace strata::control {

enum class CallRule : uint8_t {
  allow,   ///< to everybody
  refuse,  ///< EPERM, whatever the container may
  needs,   ///< allowed to containers that have the capability, else EPERM
};

/// System calls of which the same holds, for one reason.
struct CallGroup {
  CallRule rule;
  std::string_view capability;  ///< CAP_…, of `needs`
  std::string_view reason;
  std::string_view names;  ///< with blanks between
};

/// All of them. A call that is in none is answered ENOSYS, as by a kernel that is older: programs then do without.
[[nodiscard]] std::span<const CallGroup> call_groups();

/// As linux.seccomp of config.json, for a container with these capabilities (CAP_…).
[[nodiscard]] nlohmann::ordered_json default_seccomp(std::span<const std::string> capabilities);

}  // namespace strata::control
