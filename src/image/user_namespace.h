// Work that is done as the users behind a user namespace: in a child process that is root there.
#pragma once

#include "base/id_maps.h"
#include "base/result.h"

#include <functional>
#include <string>

namespace strata::image {

// Runs `work` in a child process, as root of a new user namespace with these maps, and gives what it gave. The child is
// killed if this process dies.
[[nodiscard]] Result<std::string> run_mapped(const IdMaps& maps, const std::function<Result<std::string>()>& work);

}  // namespace strata::image
