// Decimal adjustments (SDM vol. 2, DAA DAS AAA AAS AAM AAD); the flags left undefined there are AMD Zen 5's.
#include "isa/x86/helpers/decimal.h"

#include "ir/evaluate.h"
#include "ir/flags.h"
#include "isa/x86/helpers/define.h"

namespace strata::isa::x86::helpers {
namespace {

using ir::Flag;

uint64_t give(unsigned ax, uint32_t flags) { return (ax & 0xffff) | uint64_t{flags} << 32; }

uint32_t flags_of(unsigned al) { return ir::flags_of_logic(ir::Type::i8, al & 0xff); }

/// `flags` with CF and AF as given.
uint32_t with_carries(uint32_t flags, bool carry, bool half) {
  return (flags & ~(Flag::carry | Flag::half)) | (carry ? Flag::carry : 0) | (half ? Flag::half : 0);
}

/// DAA and DAS. OF is that of the addition of both corrections.
uint64_t adjust_packed(uint64_t ax, uint64_t flags, bool subtract) {
  const unsigned al = ax & 0xff;
  const bool low = (al & 15) > 9 || (flags & Flag::half);
  const bool high = al > 0x99 || (flags & Flag::carry);
  const bool borrow = subtract && low && al < 6;
  const unsigned correction = (low ? 6u : 0u) + (high ? 0x60u : 0u);
  const unsigned result = (subtract ? al - correction : al + correction) & 0xff;
  const uint32_t fresh = subtract ? ir::flags_of_sub(ir::Type::i8, al, correction, false)
                                  : ir::flags_of_add(ir::Type::i8, al, correction, false);
  return give((static_cast<unsigned>(ax) & 0xff00) | result, with_carries(fresh, high || borrow, low));
}

uint64_t adjust_daa(ir::ExecContext&, uint64_t ax, uint64_t flags, uint64_t) { return adjust_packed(ax, flags, false); }

uint64_t adjust_das(ir::ExecContext&, uint64_t ax, uint64_t flags, uint64_t) { return adjust_packed(ax, flags, true); }

/// AAA and AAS. The other flags are those of the 16-bit addition, before AL is cut.
uint64_t adjust_unpacked(uint64_t ax, uint64_t flags, bool subtract) {
  const bool carry = (ax & 15) > 9 || (flags & Flag::half);
  const unsigned correction = carry ? 0x106 : 0;
  const uint64_t result = subtract ? ax - correction : ax + correction;
  const uint32_t fresh = subtract ? ir::flags_of_sub(ir::Type::i16, ax, correction, false)
                                  : ir::flags_of_add(ir::Type::i16, ax, correction, false);
  return give(static_cast<unsigned>(result) & 0xff0f, with_carries(fresh, carry, carry));
}

uint64_t adjust_aaa(ir::ExecContext&, uint64_t ax, uint64_t flags, uint64_t) {
  return adjust_unpacked(ax, flags, false);
}
uint64_t adjust_aas(ir::ExecContext&, uint64_t ax, uint64_t flags, uint64_t) {
  return adjust_unpacked(ax, flags, true);
}

uint64_t adjust_aam(ir::ExecContext&, uint64_t ax, uint64_t, uint64_t base) {
  const unsigned al = ax & 0xff, quotient = al / static_cast<unsigned>(base), rest = al % static_cast<unsigned>(base);
  return give(quotient << 8 | rest, flags_of(rest));
}

uint64_t adjust_aad(ir::ExecContext&, uint64_t ax, uint64_t, uint64_t base) {
  const uint64_t al = ax & 0xff, tens = ((ax >> 8) * base) & 0xff;
  return give((al + tens) & 0xff, ir::flags_of_add(ir::Type::i8, al, tens, false));
}

using enum ir::Type;

ir::Helper define(const char* name, uint64_t (*function)(ir::ExecContext&, uint64_t, uint64_t, uint64_t)) {
  return define_helper(name, function, i64, {i64, i32, i8}, ir::HelperEffect::pure);
}

}  // namespace

const ir::Helper daa = define("daa", adjust_daa), das = define("das", adjust_das);
const ir::Helper aaa = define("aaa", adjust_aaa), aas = define("aas", adjust_aas);
const ir::Helper aam = define("aam", adjust_aam), aad = define("aad", adjust_aad);

}  // namespace strata::isa::x86::helpers
