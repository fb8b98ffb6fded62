// Decimal adjustments (SDM vol. 2, DAA DAS AAA AAS AAM AAD).
#include "isa/x86/helpers/decimal.h"

#include "ir/evaluate.h"
#include "ir/flags.h"
#include "isa/x86/helpers/define.h"

namespace strata::isa::x86::helpers {
namespace {

using ir::Flag;

uint64_t give(unsigned ax, uint32_t flags) { return (ax & 0xffff) | uint64_t{flags} << 32; }

uint32_t flags_of(unsigned al) { return ir::flags_of_logic(ir::Type::i8, al & 0xff); }

/// DAA and DAS.
uint64_t adjust_packed(uint64_t ax, uint64_t flags, bool subtract) {
  const unsigned old_al = ax & 0xff;
  const bool low = (old_al & 15) > 9 || (flags & Flag::half);
  const bool high = old_al > 0x99 || (flags & Flag::carry);
  const unsigned correction = (low ? 6u : 0u) + (high ? 0x60u : 0u);
  const unsigned al = (subtract ? old_al - correction : old_al + correction) & 0xff;
  const bool borrow = subtract && low && old_al < 6;
  const uint32_t carries = (low ? Flag::half : 0) | (high || borrow ? Flag::carry : 0);
  return give((static_cast<unsigned>(ax) & 0xff00) | al, flags_of(al) | carries);
}

uint64_t adjust_daa(ir::ExecContext&, uint64_t ax, uint64_t flags, uint64_t) {
  return adjust_packed(ax, flags, false);
}

uint64_t adjust_das(ir::ExecContext&, uint64_t ax, uint64_t flags, uint64_t) {
  return adjust_packed(ax, flags, true);
}

/// AAA and AAS.
uint64_t adjust_unpacked(uint64_t ax, uint64_t flags, int sign) {
  auto result = static_cast<unsigned>(ax);
  const bool carry = (result & 15) > 9 || (flags & Flag::half);
  if (carry) result += static_cast<unsigned>(sign * 0x106);
  return give(result & 0xff0f, flags_of(result & 15) | (carry ? Flag::half | Flag::carry : 0));
}

uint64_t adjust_aaa(ir::ExecContext&, uint64_t ax, uint64_t flags, uint64_t) { return adjust_unpacked(ax, flags, 1); }
uint64_t adjust_aas(ir::ExecContext&, uint64_t ax, uint64_t flags, uint64_t) { return adjust_unpacked(ax, flags, -1); }

uint64_t adjust_aam(ir::ExecContext&, uint64_t ax, uint64_t, uint64_t base) {
  const unsigned al = ax & 0xff, quotient = al / static_cast<unsigned>(base), rest = al % static_cast<unsigned>(base);
  return give(quotient << 8 | rest, flags_of(rest));
}

uint64_t adjust_aad(ir::ExecContext&, uint64_t ax, uint64_t, uint64_t base) {
  const unsigned al = (ax + (ax >> 8) * base) & 0xff;
  return give(al, flags_of(al));
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
