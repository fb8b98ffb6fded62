// SupervisorPlan: how one container is to be looked after, as supervisor.json beside its config.json says it.
#pragma once

#include "base/result.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace strata::container {

using Seconds = std::chrono::seconds;

enum class RestartWhen { never, on_failure, always };

struct RestartPolicy {
  RestartWhen when = RestartWhen::never;
  unsigned most = 0;  // times in a row; 0: no limit

  /// Whether a program that ended with this code is started again, having been `times` already.
  [[nodiscard]] bool again(int exit_code, unsigned times) const {
    if (when == RestartWhen::never || (when == RestartWhen::on_failure && exit_code == 0)) return false;
    return most == 0 || times < most;
  }
};

/// How long to wait before the nth start in a row (from 0): doubles from a tenth of a second to a minute.
[[nodiscard]] std::chrono::milliseconds restart_delay(unsigned times);
/// A program that ran this long was well: counting begins anew.
inline constexpr Seconds settled_after{10};

/// The command is health.json, a process as `exec --process` takes it.
struct HealthCheck {
  Seconds interval{30};
  Seconds timeout{30};
  Seconds start_period{0};  // failures in it do not count
  unsigned retries = 3;     // failures in a row until it is unhealthy
};

struct SupervisorPlan {
  std::string name;
  std::string folder;   // its running folder, absolute
  std::string remover;  // the program `strata`, which removes the container at its end; empty: it stays
  bool terminal = false;
  bool input = false;           // standard input is open
  std::uint64_t log_bytes = 0;  // of one file; 0: no log
  unsigned log_files = 1;
  RestartPolicy restart;
  int stop_signal = 15;
  Seconds stop_timeout{10};
  std::optional<Seconds> timeout;
  std::optional<HealthCheck> health;
};

/// Reads supervisor.json of a bundle. Errors name the field.
[[nodiscard]] Result<SupervisorPlan> read_plan(const std::string& bundle);
/// In the running folder: why a hook of our own failed, where the runtime only knows that it did.
inline constexpr const char* hook_error_name = "hook.error";
/// The exit code of a program that its timeout ended, as timeout(1) has it.
inline constexpr int timed_out_code = 124;

}  // namespace strata::container
