// What of an image is to run, by the image's own word and the user's: the same for containers and for machines.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "image/oci_image.h"

namespace strata::control {

/// What the user said.
struct ProgramChoice {
  std::vector<std::string> words;         ///< behind the image's name: in place of its command, behind its entry point
  std::optional<std::string> entrypoint;  ///< in place of the image's entry point and command; "": none
  std::vector<std::string> env;           ///< NAME=VALUE
  std::optional<std::string> user;        ///< USER[:GROUP], names or numbers
  std::optional<std::string> workdir;     ///< absolute
  std::string hostname;                   ///< empty: after the container or the image

  /// Whether anything here says what to run.
  bool names_program() const { return !words.empty() || entrypoint.has_value(); }
};

/// What runs.
struct Program {
  std::vector<std::string> arguments;  ///< the program first; empty: neither image nor user say any
  std::vector<std::string> env;        ///< NAME=VALUE, each name once
  std::string user;                    ///< empty: root
  std::string directory = "/";
};

inline constexpr std::string_view default_path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// `terminal`: the program has one, and learns from TERM which.
[[nodiscard]] Program choose_program(const image::ImageConfig& image, const ProgramChoice& choice, bool terminal);

/// Whether a program is known to be the first process of a whole system, such as /sbin/init or systemd.
[[nodiscard]] bool is_init(std::string_view program);

}  // namespace strata::control
