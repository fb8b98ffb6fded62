// Terminals: a new one for a container's process, and the user's own joined to it.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"
#include "container/spec/spec.h"

#include <termios.h>

#include <optional>

namespace strata::container {

struct Terminal {
  UniqueFd master;
  UniqueFd slave;
};

/// A new one of the devpts that this process sees at /dev/pts.
[[nodiscard]] Result<Terminal> make_terminal(const std::optional<TerminalSize>& size, const User& user);
/// Makes it the process's controlling terminal, and its standard input and outputs.
[[nodiscard]] Result<void> take_terminal(int slave);

/// Passes on between the user's terminal (raw meanwhile, its size kept the same) and the container's, until that closes.
class TerminalRelay {
 public:
  explicit TerminalRelay(UniqueFd master) : master_(std::move(master)) {}
  TerminalRelay(const TerminalRelay&) = delete;
  TerminalRelay& operator=(const TerminalRelay&) = delete;
  ~TerminalRelay();

  void begin();
  [[nodiscard]] int master() const { return master_ ? master_.get() : -1; }
  void copy_size() const;
  /// What has come from the container, to the user. Gives false when there will be no more.
  bool pass_output();
  /// What the user has typed, to the container.
  void pass_input();

 private:
  UniqueFd master_;
  std::optional<termios> saved_;  // how the user's terminal was
};

}  // namespace strata::container
