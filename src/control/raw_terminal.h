// The terminal that Strata was started from, while its keys belong to a guest or a container.
#pragma once

#include <termios.h>

#include <cstddef>
#include <optional>

namespace strata::control {

/// Standard input in raw mode, if it is a terminal; as it was at the end. With `own_lines`, a line feed that we print still
/// goes to the left; what comes from another terminal has done so already.
class RawTerminal {
 public:
  explicit RawTerminal(bool own_lines);
  ~RawTerminal();
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;

 private:
  std::optional<termios> saved_;
};

/// Ctrl-] then q leaves, Ctrl-] twice types one Ctrl-], any other key behind it is taken back.
class LeaveKeys {
 public:
  enum class Meaning : unsigned char { type, nothing, leave };
  Meaning hear(std::byte key);

 private:
  bool escape_ = false;  ///< Ctrl-] was the last key
};

}  // namespace strata::control
