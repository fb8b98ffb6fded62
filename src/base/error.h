// Error: what went wrong on the host's side, as a value with one line for the user.
#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>

namespace strata {

// What kind of trouble, for code that must tell them apart; people read the message.
enum class ErrorCode {
  failed,             // nothing more precise fits
  usage,              // the user asked for something that cannot be: unknown option, bad value
  not_found,          // a file, image, name that is not there
  already_exists,     // a name or file that is taken
  permission_denied,  // the host's kernel said no
  no_space,           // disk or memory of the host is full
  busy,               // in use by somebody else: a port, a lock
  bad_data,           // a file, image or packet that is damaged or not what it claims to be
  unsupported,        // valid, but Strata does not do it
  io,                 // reading or writing failed
  timed_out,
  cancelled,  // stopped by the user
};

// Strata's exit codes (the guest's own code, where it gives one, is passed on instead).
enum class ExitCode : int { done = 0, work_failed = 1, wrong_usage = 2, timed_out = 124 };

struct Error {
  ErrorCode code = ErrorCode::failed;
  std::string message;

  // Says what was being done when it happened: "reading a.img: " goes before the message.
  template <class... Args>
  [[nodiscard]] Error context(fmt::format_string<Args...> format, Args&&... args) && {
    return {code, fmt::format(format, std::forward<Args>(args)...) + ": " + message};
  }
  template <class... Args>
  [[nodiscard]] Error context(fmt::format_string<Args...> format, Args&&... args) const& {
    return Error(*this).context(format, std::forward<Args>(args)...);
  }

  bool operator==(const Error&) const = default;
};

// The error for an errno value, with the C library's words for it.
[[nodiscard]] Error error_from_errno(int errno_value);

[[nodiscard]] ErrorCode error_code_from_errno(int errno_value);

[[nodiscard]] ExitCode exit_code_of(const Error& error);

}  // namespace strata
