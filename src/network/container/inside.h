// open_inside: what a network needs from inside of a container's network namespace, opened there and used from here.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace strata::network::container {

struct Inside {
  UniqueFd interfaces;          ///< for ports::InterfaceSetter
  std::vector<UniqueFd> taps;   ///< one for each card, still down
  std::vector<UniqueFd> wires;  ///< packet sockets, one for each card, that hear nothing before they are bound
  /// The namespace belongs to our own user namespace: changing its interfaces takes CAP_NET_ADMIN. Else it takes to be the
  /// user who made the container's.
  bool needs_right = false;
};

/// Takes lo up and makes a TAP for each name. A child does it, which enters the namespace and, before, the user namespace
/// that owns it: so an ordinary user can. To be called by a process of one thread. Errors: no such process, no right, no
/// /dev/net/tun, a name that is taken.
[[nodiscard]] Result<Inside> open_inside(pid_t process, const std::vector<std::string>& interfaces);

}  // namespace strata::network::container
