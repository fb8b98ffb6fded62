// STRATA_ASSERT: stops the program at a bug of ours; no guest, file or user may be able to reach it.
#pragma once

namespace strata {

// Prints the condition and its place on standard error and aborts.
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line,
                                   const char* explanation = nullptr);

}  // namespace strata

// STRATA_ASSERT(condition) or STRATA_ASSERT(condition, "explanation"); active in every build, so keep
// conditions cheap. A macro for the text and the place of the condition.
#define STRATA_ASSERT(condition, ...)                                                        \
  do {                                                                                       \
    if (!(condition)) [[unlikely]]                                                           \
      ::strata::assertion_failed(#condition, __FILE__, __LINE__ __VA_OPT__(, ) __VA_ARGS__); \
  } while (false)

// For a place that no correct program reaches, such as after a switch over all enumerators.
#define STRATA_UNREACHABLE() ::strata::assertion_failed("unreachable", __FILE__, __LINE__)
