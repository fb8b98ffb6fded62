// Gathering and scattering of bits (SDM vol. 2, PEXT and PDEP).
#include "isa/x86/helpers/bit_fields.h"

#include "isa/x86/helpers/define.h"

namespace strata::isa::x86::helpers {
namespace {

uint64_t extract(ir::ExecContext&, uint64_t source, uint64_t mask) {
  uint64_t result = 0;
  for (uint64_t to = 1; mask != 0; mask &= mask - 1, to <<= 1)
    if (source & mask & -mask) result |= to;
  return result;
}

uint64_t deposit(ir::ExecContext&, uint64_t source, uint64_t mask) {
  uint64_t result = 0;
  for (; mask != 0; mask &= mask - 1, source >>= 1)
    if (source & 1) result |= mask & -mask;
  return result;
}

using enum ir::Type;

}  // namespace

const ir::Helper extract_bits = define_helper("extract_bits", extract, i64, {i64, i64}, ir::HelperEffect::pure);
const ir::Helper deposit_bits = define_helper("deposit_bits", deposit, i64, {i64, i64}, ir::HelperEffect::pure);

}  // namespace strata::isa::x86::helpers
