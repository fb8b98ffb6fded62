// What of an image is to run, by the image's own word and the user's: the same for containers and for machines.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
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

/// A word of --env: NAME=VALUE, or NAME for the value that it has here (nothing if it has none). Usage errors, as below.
[[nodiscard]] Result<void> add_env(ProgramChoice& choice, std::string_view word);
/// An absolute path.
[[nodiscard]] Result<void> set_workdir(ProgramChoice& choice, std::string_view path);
[[nodiscard]] Result<void> set_user(ProgramChoice& choice, std::string_view user);
/// Letters, digits, - and dots, at most 63 (RFC 1123).
[[nodiscard]] Result<void> set_hostname(ProgramChoice& choice, std::string_view name);

/// Whether a program is known to be the first process of a whole system, such as /sbin/init or systemd.
[[nodiscard]] bool is_init(std::string_view program);

}  // namespace strata::control
