// Who a program runs as: users and groups by /etc/passwd and /etc/group.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace strata::init {

struct Identity {
  static constexpr std::size_t most_groups = 64;

  std::uint32_t user = 0;
  std::uint32_t group = 0;
  std::string_view home = "/";             ///< lies in the content of passwd, or is a constant
  std::uint32_t groups[most_groups] = {};  ///< the others that the user is a member of
  std::size_t group_count = 0;
};

/// `wanted` is USER[:GROUP], each a name or a number, as in an image's configuration. Without a group it is the user's
/// own, and the user's other groups come with it; a number that passwd does not know has group 0. nullopt: there is no
/// such name.
std::optional<Identity> find_identity(std::string_view wanted, std::string_view passwd, std::string_view group);

}  // namespace strata::init
