// Users and groups by name, as the container's own files have them.
#pragma once

#include "base/result.h"
#include "container/spec/spec.h"

#include <string>

namespace strata::container {

/// Fills in the numbers of a user that has a name ("USER[:GROUP]", each a name or a number), by etc/passwd and etc/group
/// in the folder `root`, which for a process that has entered its container is "/". A user without a GROUP gets the one of
/// its line and all those that list it; a number without a line gets group 0. Errors: not_found, with the name.
[[nodiscard]] Result<void> find_user(User& user, const std::string& root = "/");

/// Where a user is at home: by its line, else /root for root and / for others.
[[nodiscard]] std::string home_of(uid_t uid, const std::string& root = "/");

}  // namespace strata::container
