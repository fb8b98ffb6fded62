// Raw mode and the keys by which one leaves it.
#include "control/raw_terminal.h"

#include <unistd.h>

namespace strata::control {
namespace {
constexpr std::byte escape_key{0x1d};  // Ctrl-]
}

RawTerminal::RawTerminal(bool own_lines) {
  termios terminal;
  if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &terminal) != 0) return;
  saved_ = terminal;
  cfmakeraw(&terminal);
  if (own_lines) terminal.c_oflag |= OPOST;
  tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal);
}

RawTerminal::~RawTerminal() {
  if (saved_) tcsetattr(STDIN_FILENO, TCSADRAIN, &*saved_);
}

LeaveKeys::Meaning LeaveKeys::hear(std::byte key) {
  if (escape_) {
    escape_ = false;
    if (key == std::byte{'q'}) return Meaning::leave;
    return key == escape_key ? Meaning::type : Meaning::nothing;
  }
  escape_ = key == escape_key;
  return escape_ ? Meaning::nothing : Meaning::type;
}

}  // namespace strata::control
