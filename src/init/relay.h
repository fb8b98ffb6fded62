// Pipes between a program and the machine's consoles, so that where nobody sits at a terminal the program sees none.
#pragma once

#include <cstdint>

namespace strata::init {

/// Puts pipes in the place of our standard descriptors, for the program to have, and starts a process for each that carries
/// octets to or from the console that was there. The pipes are the program's user's.
void start_relays(std::uint32_t user, std::uint32_t group);

/// Kills all processes but the relays, and waits until these have carried what is left. Nothing where there are none.
void finish_relays();

}  // namespace strata::init
