// The supervisor of one container: starts it, keeps its standard input and outputs, and stays until it has ended for good.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"

#include <string>

namespace strata::container {

struct SupervisorStart {
  std::string bundle;     // the container's folder, with config.json and supervisor.json
  UniqueFd client;        // the connection (SOCK_SEQPACKET, see protocol.h) of whoever starts it, told how that went
  UniqueFd lock;          // locked for as long as the container is looked after
  bool attached = false;  // that client hears all that the program prints
};

/// Looks after the container until it has ended and is not to be started again. The process has to have no threads, and
/// becomes the one that processes left without a parent fall to. Errors are those of before the start; later ones are in
/// status.json.
[[nodiscard]] Result<void> supervise(SupervisorStart start);

}  // namespace strata::container
