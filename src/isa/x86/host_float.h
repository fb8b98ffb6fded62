// The guest's MXCSR on the host's SSE unit, while guest code runs.
#pragma once

#include <cstdint>

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

namespace strata::isa::x86::host_float {

struct Mxcsr {
  static constexpr uint32_t reset = 0x1f80, flags = 0x3f, masks = 0x1f80, writable = 0xffff;
};

#if defined(__SSE2__)

/// Rounding, denormal handling and sticky flags as the guest has them. All exceptions stay masked on the host: where
/// the guest has unmasked one, translated code looks at the flags itself (Mode::float_traps).
inline void enter(uint32_t guest) { _mm_setcsr((guest & Mxcsr::writable) | Mxcsr::masks); }

/// The guest's MXCSR with the flags that have come up since.
inline uint32_t current(uint32_t guest) { return guest | (_mm_getcsr() & Mxcsr::flags); }

/// Flags of what was computed without the host's SSE unit.
inline void add_flags(uint32_t flags) { _mm_setcsr(_mm_getcsr() | flags); }

/// Gives the guest's MXCSR likewise, and puts the host's own back.
inline uint32_t leave(uint32_t guest) {
  guest = current(guest);
  _mm_setcsr(Mxcsr::reset);
  return guest;
}

#else

/// Hosts without SSE round to nearest and collect no flags.
inline void enter(uint32_t) {}
inline uint32_t current(uint32_t guest) { return guest; }
inline void add_flags(uint32_t) {}
inline uint32_t leave(uint32_t guest) { return guest; }

#endif

}  // namespace strata::isa::x86::host_float
