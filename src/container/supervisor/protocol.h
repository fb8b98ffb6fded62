// What clients and the supervisor of a container say to each other: packets of a letter and, for some, more.
//
// The socket is SOCK_SEQPACKET, `control` in the container's running folder. docs/formats/containers.md has it in words.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace strata::container {

/// From a client.
enum class Ask : char {
  attach = 'a',        // tell me what the program prints from now on, and its end
  input = 'i',         // bytes for the program
  end_of_input = 'e',  // there will be no more
  resize = 'r',        // a TerminalSize
  signal = 'k',        // a number (int32) for the program
  stop = 's',    // end it, and do not start it again; seconds (int32) until SIGKILL, -1 for the usual; tell me the end
  wait = 'w',    // tell me the end
  reload = 'l',  // supervisor.json has changed
};

/// From the supervisor.
enum class Tell : char {
  started = 'S',
  output = 'o',        // bytes of the program's standard output, or its terminal
  error_output = 'E',  // bytes of its standard error
  ended = 'x',         // exit code (int32); the last word
  failed = 'f',        // text: why it could not be started; the last word
  done = 'd',          // what was asked for (reload) is done
};

/// Of both directions, the letter included.
inline constexpr std::size_t longest_packet = (16 << 10) + 1;

/// A packet that carries a number.
template <class Letter>
[[nodiscard]] std::string packet_of(Letter letter, std::int32_t number) {
  std::string packet(1 + sizeof number, static_cast<char>(letter));
  std::memcpy(packet.data() + 1, &number, sizeof number);
  return packet;
}
/// The number of a packet, without its letter; 0 if it has none.
[[nodiscard]] inline std::int32_t number_in(std::string_view body) {
  std::int32_t number = 0;
  if (body.size() == sizeof number) std::memcpy(&number, body.data(), sizeof number);
  return number;
}

}  // namespace strata::container
