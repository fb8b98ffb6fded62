// Work done inside another network namespace of this host (network_namespaces(7)).
#pragma once

#include <functional>
#include <string>

#include "base/result.h"

namespace strata::network::ports {

/// Calls `work` on a thread that is in the namespace, and waits for it. What it opens there (sockets, TAPs) stays there
/// when it is used from here. `name` is one of `ip netns`, a process's number, or a path such as /proc/1234/ns/net;
/// empty: our own namespace. Errors: not_found, permission_denied (needs CAP_SYS_ADMIN there), and those of `work`.
[[nodiscard]] Result<void> in_network_namespace(const std::string& name, const std::function<Result<void>()>& work);

}  // namespace strata::network::ports
