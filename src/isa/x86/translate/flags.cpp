// CLC STC CMC CLD STD LAHF SAHF SETcc.
#include "isa/x86/translate/groups.h"

namespace strata::isa::x86 {
namespace {

constexpr uint32_t in_ah = Rflags::sf | Rflags::zf | Rflags::af | Rflags::pf | Rflags::cf;

void lahf(Translator& t) {
  const Value ah = t.b.or_(t.b.and_(t.flags(), t.b.i32(in_ah)), t.b.i32(Rflags::fixed));
  const Value others = t.b.and_(t.b.get(gpr_slot(rax)), t.b.i64(~uint64_t{0xff00}));
  t.b.set(gpr_slot(rax), t.b.or_(others, t.b.shl(t.b.zext(Type::i64, ah), t.b.i8(8))));
}

void sahf(Translator& t) {
  const Value ah = t.b.trunc(Type::i32, t.b.shr(t.b.get(gpr_slot(rax)), t.b.i8(8)));
  t.set_flags(t.b.and_(ah, t.b.i32(in_ah)), in_ah);
}

void set_direction(Translator& t, bool down) {
  constexpr uint32_t df = Rflags::df;
  const Value flags = t.b.get(slot_system_flags);
  t.b.set(slot_system_flags, down ? t.b.or_(flags, t.b.i32(df)) : t.b.and_(flags, t.b.i32(~df)));
}

}  // namespace

bool translate_flags(Translator& t) {
  if (t.insn.map == Map::map_0f) {
    t.store_rm(t.b.zext(Type::i8, t.cond(t.insn.opcode & 15)));
    return true;
  }
  switch (t.insn.opcode) {
    case 0x9e: sahf(t); return true;
    case 0x9f: lahf(t); return true;
    case 0xf5: t.set_flags(t.b.xor_(t.flags(), t.b.i32(ir::Flag::carry))); return true;
    case 0xf8: t.set_flags(t.b.i32(0), ir::Flag::carry); return true;
    case 0xf9: t.set_flags(t.b.i32(ir::Flag::carry), ir::Flag::carry); return true;
    default: set_direction(t, t.insn.opcode == 0xfd); return true;
  }
}

}  // namespace strata::isa::x86
