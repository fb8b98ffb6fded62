// Which users of the host stand behind the users of a user namespace (user_namespaces(7)).
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"

#include <sys/types.h>

#include <cstdint>
#include <vector>

namespace strata {

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

// Gives a process in a new user namespace its maps; with the help of newuidmap and newgidmap where this process may not
// write them itself. Kinds without a range stay without a map.
[[nodiscard]] Result<void> write_id_maps(pid_t process, const IdMaps& maps);

// A user namespace with those maps and no process in it: mounts can have its ids.
[[nodiscard]] Result<UniqueFd> make_user_namespace(const IdMaps& maps);

}  // namespace strata
