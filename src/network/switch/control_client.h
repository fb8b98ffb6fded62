// ControlClient: asks a running switch, from another process.
#pragma once

#include <string_view>

#include "base/unique_fd.h"
#include "network/switch/control_message.h"

namespace strata::network {

/// Blocks; the switch has ten seconds for each answer.
class ControlClient {
 public:
  /// To the switch of this name; that it does not exist or does not run is the error, with the remedy.
  static Result<ControlClient> connect(std::string_view network);

  /// The answer to `request`, whose "version" is filled in.
  Result<Json> ask(Json request);

  /// The connection itself, after a request that turned it into something else. Blocking.
  UniqueFd take() && { return std::move(socket_); }

 private:
  ControlClient(std::string network, UniqueFd socket) : network_(std::move(network)), socket_(std::move(socket)) {}
  Result<std::string> read_line();

  std::string network_;
  UniqueFd socket_;
};

/// One request on a connection of its own.
[[nodiscard]] Result<Json> ask_network(std::string_view network, Json request);

}  // namespace strata::network
