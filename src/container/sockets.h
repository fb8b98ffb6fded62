// Unix sockets of the runtime's partners: consoles and seccomp agents, who are sent descriptors.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"

#include <span>
#include <string>
#include <string_view>

namespace strata::container {

[[nodiscard]] Result<UniqueFd> connect_unix(const std::string& path);

/// The most descriptors that are sent at once.
inline constexpr std::size_t max_fds = 32;

/// Sends the text (at least one byte) with the descriptors beside it. Gives false where that fails; allocates nothing.
[[nodiscard]] bool send_fds(int socket, std::span<const int> fds, std::string_view text);

/// Receives one descriptor and the text beside it, which is passed over.
[[nodiscard]] Result<UniqueFd> receive_fd(int socket);

}  // namespace strata::container
