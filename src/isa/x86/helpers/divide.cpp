// Division of RDX:RAX by 64 bits (SDM vol. 2, DIV and IDIV).
#include "isa/x86/helpers/divide.h"

#include "isa/x86/cpu.h"
#include "isa/x86/helpers/define.h"

namespace strata::isa::x86::helpers {
namespace {

__extension__ typedef unsigned __int128 Unsigned128;

struct Division {
  uint64_t quotient, remainder;
};

/// The high half is less than the divisor, so that the quotient fits.
Division divide(uint64_t high, uint64_t low, uint64_t divisor) {
  if (high == 0) return {low / divisor, low % divisor};
  const Unsigned128 dividend = Unsigned128{high} << 64 | low;
  return {static_cast<uint64_t>(dividend / divisor), static_cast<uint64_t>(dividend % divisor)};
}

uint64_t divide_unsigned(ir::ExecContext& context, uint64_t divisor) {
  Cpu& cpu = Cpu::of(context);
  auto& gpr = cpu.state.gpr;
  if (gpr[rdx] >= divisor) return raise(cpu, vector_de);  // by zero too
  const Division result = divide(gpr[rdx], gpr[rax], divisor);
  gpr[rax] = result.quotient;
  gpr[rdx] = result.remainder;
  return 0;
}

/// On magnitudes; the remainder has the dividend's sign.
uint64_t divide_signed(ir::ExecContext& context, uint64_t divisor) {
  Cpu& cpu = Cpu::of(context);
  auto& gpr = cpu.state.gpr;
  const bool negative_dividend = gpr[rdx] >> 63, negative_divisor = divisor >> 63;
  Unsigned128 dividend = Unsigned128{gpr[rdx]} << 64 | gpr[rax];
  if (negative_dividend) dividend = -dividend;
  const uint64_t magnitude = negative_divisor ? -divisor : divisor;
  const auto high = static_cast<uint64_t>(dividend >> 64);
  if (high >= magnitude) return raise(cpu, vector_de);
  const Division result = divide(high, static_cast<uint64_t>(dividend), magnitude);
  const bool negative = negative_dividend != negative_divisor;
  constexpr uint64_t lowest = uint64_t{1} << 63;
  if (result.quotient > (negative ? lowest : lowest - 1)) return raise(cpu, vector_de);
  gpr[rax] = negative ? -result.quotient : result.quotient;
  gpr[rdx] = negative_dividend ? -result.remainder : result.remainder;
  return 0;
}

}  // namespace

const ir::Helper divide_unsigned_128 =
    define_helper("divide_unsigned_128", divide_unsigned, ir::Type::none, {ir::Type::i64});
const ir::Helper divide_signed_128 = define_helper("divide_signed_128", divide_signed, ir::Type::none, {ir::Type::i64});

}  // namespace strata::isa::x86::helpers
