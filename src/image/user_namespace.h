// Work that is done as the users behind a user namespace: in a child process that is root there.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"
#include "image/id_maps.h"

#include <functional>
#include <string>

namespace strata::image {

// Runs `work` in a child process, as root of a new user namespace with these maps, and gives what it gave. The child is
// killed if this process dies. An ordinary user's maps with more than himself are set by newuidmap and newgidmap.
[[nodiscard]] Result<std::string> run_mapped(const IdMaps& maps, const std::function<Result<std::string>()>& work);

// A user namespace with these maps, as a descriptor. For root.
[[nodiscard]] Result<UniqueFd> make_user_namespace(const IdMaps& maps);

}  // namespace strata::image
