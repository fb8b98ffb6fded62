// What this program says when something is wrong: one line on standard error.
#pragma once

#include <cstdint>
#include <string_view>

#include "init/text.h"

namespace strata::init {

/// The kernel's errors that a user may meet, in words; others as their number.
std::string_view error_text(long negative_errno);

/// "strata-init: WHAT WHICH: why".
void complain(std::string_view what, std::string_view which, std::string_view why);
void complain(std::string_view what, std::string_view which, long negative_errno);

}  // namespace strata::init
