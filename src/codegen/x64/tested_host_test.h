// The host that tests translate for: this one, or with STRATA_TEST_PLAIN_HOST in the environment one that has nothing
// beyond what every x86-64 has, whose code runs here too.
#pragma once

#include <cstdlib>

#include "codegen/x64/host_features.h"

namespace strata::codegen::x64 {

inline HostFeatures tested_host() {
  return std::getenv("STRATA_TEST_PLAIN_HOST") ? HostFeatures{} : HostFeatures::of_this_host();
}

}  // namespace strata::codegen::x64
