// Which users of the host stand behind the users of a user namespace.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>
#include <vector>

namespace strata::image {

struct IdRange {
  std::uint32_t inside = 0;
  std::uint32_t outside = 0;
  std::uint32_t count = 0;

  bool operator==(const IdRange&) const = default;
};

struct IdMaps {
  std::vector<IdRange> users;
  std::vector<IdRange> groups;

  [[nodiscard]] bool empty() const { return users.empty() && groups.empty(); }
  bool operator==(const IdMaps&) const = default;
};

// What this user may have (user_namespaces(7)): root inside is the user himself; users from 1 on are those that
// /etc/subuid and /etc/subgid give, if there are such and newuidmap and newgidmap are installed; else there is only root.
// Root on the host gets a range of /etc/subuid for `root`, else the maps are empty.
[[nodiscard]] Result<IdMaps> own_id_maps();

}  // namespace strata::image
