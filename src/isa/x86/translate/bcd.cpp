// DAA DAS AAA AAS AAM AAD, and SALC. None of them exists in 64-bit code.
#include "isa/x86/helpers/decimal.h"
#include "isa/x86/translate/groups.h"

namespace strata::isa::x86 {
namespace {

/// The helpers give AX in bits 0..15 and the flags above bit 32.
void adjust(Translator& t, const ir::Helper& helper, uint8_t base) {
  const Value ax = t.b.zext(Type::i64, t.gpr(rax, 16));
  const Value result = t.call(helper, {ax, t.flags(), t.b.i8(base)});
  t.set_gpr(rax, t.b.trunc(Type::i16, result));
  t.set_flags(t.b.trunc(Type::i32, t.b.shr(result, t.b.i8(32))));
}

}  // namespace

bool translate_bcd(Translator& t) {
  const auto base = static_cast<uint8_t>(t.insn.immediate);
  switch (t.insn.opcode) {
    case 0x27: adjust(t, helpers::daa, 0); return true;
    case 0x2f: adjust(t, helpers::das, 0); return true;
    case 0x37: adjust(t, helpers::aaa, 0); return true;
    case 0x3f: adjust(t, helpers::aas, 0); return true;
    case 0xd4:
      if (base == 0) t.raise(vector_de);
      else adjust(t, helpers::aam, base);
      return true;
    case 0xd5: adjust(t, helpers::aad, base); return true;
    default:  // SALC: AL := CF ? FF : 0
      t.b.set(gpr_slot(rax), t.b.insert_low(t.b.get(gpr_slot(rax)), t.b.sext(Type::i8, t.carry())));
      return true;
  }
}

}  // namespace strata::isa::x86
