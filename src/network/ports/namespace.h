// Work done inside another network namespace of this host (network_namespaces(7)).
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"

namespace strata::network::ports {

/// Calls `work` on a thread that is in the namespace, and waits for it. What it opens there (sockets, TAPs) stays there
/// when it is used from here. `name` is one of `ip netns`, a process's number, or a path such as /proc/1234/ns/net;
/// empty: our own namespace. Errors: not_found, permission_denied (needs CAP_SYS_ADMIN there), and those of `work`.
[[nodiscard]] Result<void> in_network_namespace(const std::string& name, const std::function<Result<void>()>& work);

/// Which namespace that is now, as a number; 0: there is none of that name. A namespace of which only the name is gone
/// lives on as long as somebody has something open in it, such as a TAP.
[[nodiscard]] uint64_t network_namespace_id(const std::string& name);

}  // namespace strata::network::ports
