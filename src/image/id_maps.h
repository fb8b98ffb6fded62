// Which ids of the host a user may have behind those of a user namespace.
#pragma once

#include "base/id_maps.h"

namespace strata::image {

// What this user may have (user_namespaces(7)): root inside is the user himself; users from 1 on are those that
// /etc/subuid and /etc/subgid give, if there are such and newuidmap and newgidmap are installed; else there is only root.
// Root on the host gets a range of /etc/subuid for `root`, else the maps are empty.
[[nodiscard]] Result<IdMaps> own_id_maps();

}  // namespace strata::image
