// Result<T>: a T, or the Error that prevented it; how every room reports the host's troubles.
#pragma once

#include "base/error.h"

#include <cerrno>
#include <tl/expected.hpp>
#include <type_traits>
#include <utility>

namespace strata {

template <class T>
using Result = tl::expected<T, Error>;

// `return fail("no partition {} on {}", number, disk);` in any function that returns a Result.
template <class... Args>
[[nodiscard]] tl::unexpected<Error> fail(fmt::format_string<Args...> format, Args&&... args) {
  return tl::unexpected<Error>(Error{ErrorCode::failed, fmt::format(format, std::forward<Args>(args)...)});
}
template <class... Args>
[[nodiscard]] tl::unexpected<Error> fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  return tl::unexpected<Error>(Error{code, fmt::format(format, std::forward<Args>(args)...)});
}

// After a system call: `return fail_errno("opening {}", path);` gives "opening a.img: No such file or
// directory".
template <class... Args>
[[nodiscard]] tl::unexpected<Error> fail_errno(fmt::format_string<Args...> format, Args&&... args) {
  const int errno_value = errno;  // before formatting can change it
  return tl::unexpected<Error>(error_from_errno(errno_value).context(format, std::forward<Args>(args)...));
}

// Passes a result on and adds what was being done, if it is an error; formats nothing if it is a value.
template <class T, class... Args>
[[nodiscard]] Result<T> with_context(Result<T> result, fmt::format_string<Args...> format, Args&&... args) {
  if (result) return result;
  return tl::unexpected<Error>(std::move(result).error().context(format, std::forward<Args>(args)...));
}

namespace detail {
template <class T>
T take_value(Result<T>& result) {
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}
}  // namespace detail

}  // namespace strata

// `auto fd = STRATA_TRY(open_file(path));` takes the value, or returns the error from the enclosing function.
// A macro, because no function can return from its caller; it rests on statement expressions, which both
// compilers that Strata accepts (g++, clang) have. A result without value is tried by `STRATA_TRY(flush());`.
#define STRATA_TRY(...)                                                               \
  ({                                                                                  \
    auto strata_try_result = (__VA_ARGS__);                                           \
    if (!strata_try_result) [[unlikely]]                                              \
      return ::tl::unexpected<::strata::Error>(std::move(strata_try_result).error()); \
    ::strata::detail::take_value(strata_try_result);                                  \
  })
