// Reports a failed assertion without allocating memory, which may be what is broken.
#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace strata {

void assertion_failed(const char* condition, const char* file, int line, const char* explanation) {
  std::fprintf(stderr, "strata: bug at %s:%d: assertion failed: %s%s%s\n", file, line, condition,
               explanation ? ": " : "", explanation ? explanation : "");
  std::abort();
}

}  // namespace strata
