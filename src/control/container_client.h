// A connection to a container's supervisor.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "container/spec/spec.h"
#include "container/supervisor/protocol.h"
#include "control/container_store.h"
#include "control/raw_terminal.h"

namespace strata::control {

struct RelayOptions {
  bool input = false;         ///< pass standard input on
  bool terminal = false;      ///< the container has one: keys are passed raw, Ctrl-] q leaves
  bool pass_signals = false;  ///< what ends us is the container's
};

class ContainerClient {
 public:
  explicit ContainerClient(UniqueFd socket) : socket_(std::move(socket)) {}
  /// To the supervisor of a container; an error with the remedy where there is none.
  [[nodiscard]] static Result<ContainerClient> connect(const ContainerPlaces& places);

  /// Keeps the signals that relay() is to pass on, from now on. Before the container is started, so that none is lost.
  static void hold_signals();

  [[nodiscard]] Result<void> ask(container::Ask ask, std::string_view body = {}) const;
  [[nodiscard]] Result<void> ask_number(container::Ask ask, int32_t number) const;
  /// Waits until the container has started. What kept it from starting is the error.
  [[nodiscard]] Result<void> wait_for_start();
  /// Waits until what was asked is done.
  [[nodiscard]] Result<void> wait_until_done();
  /// Waits until it has ended, and passes over what it prints. Gives the exit code.
  [[nodiscard]] Result<int> wait_for_end();
  /// Passes standard input and outputs until it has ended (its exit code), or the user has left (nothing).
  [[nodiscard]] Result<std::optional<int>> relay(const RelayOptions& options);
  /// Waits until the supervisor is gone, and the container free for others.
  void wait_until_gone(const ContainerPlaces& places);
  /// Readable when the supervisor says something, or is gone.
  [[nodiscard]] int descriptor() const { return socket_.get(); }
  /// The supervisor's process.
  [[nodiscard]] Result<pid_t> supervisor() const;

 private:
  struct Heard {
    container::Tell letter;
    std::string_view body;  ///< until the next one
  };
  [[nodiscard]] Result<Heard> hear();
  [[nodiscard]] Result<void> expect(container::Tell letter);
  enum class Input : uint8_t { more, ended, left };
  [[nodiscard]] Result<Input> pass_input(const RelayOptions& options);

  UniqueFd socket_;
  LeaveKeys keys_;
  std::string packet_;
};

/// The size of the user's terminal, if there is one.
[[nodiscard]] std::optional<container::TerminalSize> own_terminal_size();

}  // namespace strata::control
