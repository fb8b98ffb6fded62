// The registers as text, for messages to people.
#pragma once

#include <string>

#include "isa/x86/state.h"

namespace strata::isa::x86 {

std::string describe(const State& state);

}  // namespace strata::isa::x86
