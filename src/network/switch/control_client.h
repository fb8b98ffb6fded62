// ControlClient: asks a running switch, from another process.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/unique_fd.h"
#include "network/switch/control_message.h"

namespace strata::network {

/// Blocks; the switch has ten seconds for each answer.
class ControlClient {
 public:
  /// To the switch of this name; that it does not exist or does not run is the error, with the remedy.
  static Result<ControlClient> connect(std::string_view network);

  /// To whatever serves such a socket at `path`; `who` stands in errors. not_found: nobody does.
  static Result<ControlClient> connect_to(const std::filesystem::path& path, std::string who);

  /// The answer to `request`, whose "version" is filled in. `passed` is a descriptor that goes along; -1: none.
  Result<Json> ask(Json request, int passed = -1);

  /// The process that listens there.
  Result<int> peer() const;

  /// The connection itself, after a request that turned it into something else. Blocking.
  UniqueFd take() && { return std::move(socket_); }

 private:
  ControlClient(std::string who, UniqueFd socket) : who_(std::move(who)), socket_(std::move(socket)) {}
  Result<void> send_line(std::string_view line, int passed);
  Result<std::string> read_line();

  std::string who_;
  UniqueFd socket_;
};

/// One request on a connection of its own.
[[nodiscard]] Result<Json> ask_network(std::string_view network, Json request);

}  // namespace strata::network
