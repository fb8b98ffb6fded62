// What we set inside a Debian guest beyond its packages.
#pragma once

namespace strata::image {

// A shell script for mmdebstrap's customize hook: its first argument is the guest's root.
extern const char* const guest_setup_script;

}  // namespace strata::image
