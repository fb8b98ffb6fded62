// ControlServer: the switch's end of the control socket; survives whoever connects.
#pragma once

#include <filesystem>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "base/event_loop.h"
#include "base/unique_fd.h"
#include "network/switch/control_message.h"

namespace strata::network {

/// What a request comes to. A request may turn its connection into something else (a machine's cable, a capture): then
/// `take_over` gets the socket once the answer has been written.
struct ControlAnswer {
  Result<Json> result;
  std::function<void(UniqueFd connection)> take_over = {};
};

/// Lives on its loop's thread. A client has ten seconds for each request and for taking its answer, may keep the
/// connection between them, and is closed without a word when 64 newer ones have come.
class ControlServer {
 public:
  /// `passed`: a descriptor that came beside the request (SCM_RIGHTS), if one did.
  using Handler = std::function<ControlAnswer(const Json& request, UniqueFd passed)>;

  /// Listens at `path`, for this user only; a socket that a dead switch left there is replaced.
  static Result<std::unique_ptr<ControlServer>> make(EventLoop& loop, const std::filesystem::path& path,
                                                     Handler handler);
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

 private:
  class Client;
  ControlServer(EventLoop& loop, std::filesystem::path path, Handler handler);
  Result<void> listen();
  void accept();
  void drop(Client& client);

  EventLoop& loop_;
  std::filesystem::path path_;
  Handler handler_;
  UniqueFd listener_;
  std::optional<FdWatch> watch_;
  std::list<std::unique_ptr<Client>> clients_;  ///< the oldest first
};

}  // namespace strata::network
