// What became of a container, for those who ask when nobody looks after it any more: status.json.
#pragma once

#include "base/result.h"

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace strata::container {

/// docs/formats/containers.md says it in words.
struct ContainerStatus {
  std::string state = "created";  // created, starting, running, restarting, stopped
  pid_t pid = 0;                  // of the program, while it runs
  std::string started;            // RFC 3339; of the last start
  std::string finished;
  int exit_code = 0;
  unsigned restarts = 0;
  bool stopped_by_user = false;
  std::string error;   // of the last start, if it failed
  std::string health;  // starting, healthy, unhealthy; empty: nobody checks
  unsigned health_failures = 0;
};

/// Replaces it as a whole.
[[nodiscard]] Result<void> write_status(const std::string& bundle, const ContainerStatus& status);
/// One that was never written is that of a container that was never started.
[[nodiscard]] Result<ContainerStatus> read_status(const std::string& bundle);

}  // namespace strata::container
