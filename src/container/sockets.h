// Unix sockets of the runtime's partners: consoles and seccomp agents, who are sent descriptors.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"

#include <string>
#include <string_view>

namespace strata::container {

[[nodiscard]] Result<UniqueFd> connect_unix(const std::string& path);

/// Sends the text (at least one byte) with the descriptor beside it. Gives false where that fails; allocates nothing.
[[nodiscard]] bool send_fd(int socket, int fd, std::string_view text);

/// Receives one descriptor and the text beside it, which is passed over.
[[nodiscard]] Result<UniqueFd> receive_fd(int socket);

}  // namespace strata::container
