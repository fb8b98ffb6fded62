// Floating-point arithmetic on the host's unit, in the rounding mode and with the exception flags that are in force.
#pragma once

namespace strata::codegen::interp::host {

/// Vectors of floats, as the compiler has them.
typedef float Floats __attribute__((vector_size(16)));
typedef double Doubles __attribute__((vector_size(16)));

}  // namespace strata::codegen::interp::host

#if defined(__x86_64__)
#include "codegen/interp/host_float_x86.h"
#else
#include "codegen/interp/host_float_portable.h"
#endif
