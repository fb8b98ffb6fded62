// Jcc JMP CALL RET LOOP JCXZ: transfers inside the code segment.
#include "isa/x86/translate/groups.h"

namespace strata::isa::x86 {
namespace {

/// In 64-bit code near branches are 64 bits wide whatever the prefixes say, as on Intel (AMD obeys 66).
unsigned branch_bits(const Translator& t) { return t.mode.code_bits == 64 ? 64 : t.insn.operand_bits; }

uint64_t relative_target(const Translator& t) {
  const uint64_t target = t.next_pc() + static_cast<uint64_t>(t.insn.immediate);
  return branch_bits(t) == 16 ? target & 0xffff : t.cut_pc(target);
}

/// Ends the unit both ways; `on_each` does what is done whether the branch is taken or not.
template <class OnEach>
void branch_if(Translator& t, Value condition, OnEach on_each) {
  const uint64_t target = relative_target(t), next = t.next_pc();
  const ir::BlockId taken = t.b.new_block(), passed = t.b.new_block();
  t.b.branch(condition, taken, passed);
  t.b.begin(taken);
  t.check_target(t.b.i64(target));
  on_each();
  t.end_at(target);
  t.b.begin(passed);
  on_each();
  t.end_at(next);
}

/// The same where there is nothing to do on the way, so that the branch may go to the unit's blocks themselves.
void branch_if(Translator& t, Value condition) {
  const uint64_t pcs[] = {relative_target(t), t.next_pc()};
  const std::optional<ir::BlockId> inside[] = {t.block_at(pcs[0]), t.block_at(pcs[1])};
  const ir::BlockId taken = inside[0] ? *inside[0] : t.b.new_block();
  const ir::BlockId passed = inside[1] ? *inside[1] : t.b.new_block();
  t.b.branch(condition, taken, passed);
  if (!inside[0]) t.b.begin(taken), t.end_at(pcs[0]);
  if (!inside[1]) t.b.begin(passed), t.end_at(pcs[1]);
}

void jcc(Translator& t) { branch_if(t, t.cond(t.insn.opcode & 15)); }

Value count_register(Translator& t) { return t.gpr(rcx, t.insn.address_bits); }

/// LOOPNE LOOPE LOOP. Flags stay as they are.
void loop(Translator& t) {
  ir::Builder& b = t.b;
  const Type type = ir::integer_type(t.insn.address_bits);
  Value go_on = b.ne(count_register(t), b.constant(type, 1));
  if (t.insn.opcode < 0xe2) {
    const bool wanted = t.insn.opcode == 0xe1;
    go_on = b.and_(go_on, b.cond(wanted ? ir::Cond::z : ir::Cond::nz, t.flags()));
  }
  branch_if(t, go_on, [&] { t.set_gpr(rcx, b.sub(count_register(t), b.constant(type, 1))); });
}

void jcxz(Translator& t) {
  const Type type = ir::integer_type(t.insn.address_bits);
  branch_if(t, t.b.eq(count_register(t), t.b.constant(type, 0)));
}

void push_return_address(Translator& t) {
  t.push(t.b.trunc(ir::integer_type(branch_bits(t)), t.pc_value(t.next_pc())));
  if (branch_bits(t) > 16) t.b.expect_return(t.told(t.next_pc()));
}

void call(Translator& t) {
  const uint64_t target = relative_target(t);
  t.check_target(t.b.i64(target));
  push_return_address(t);
  t.end_at(target);
}

Value indirect_target(Translator& t) { return t.b.zext(Type::i64, t.load_rm(branch_bits(t))); }

void call_indirect(Translator& t) {
  const Value target = indirect_target(t);
  t.check_target(target);
  push_return_address(t);
  t.end_at(target);
}

/// C2 releases that many bytes more.
void ret(Translator& t) {
  ir::Builder& b = t.b;
  const unsigned bits = branch_bits(t);
  const Value pointer = t.stack_pointer();
  const Value target = b.zext(Type::i64, t.load(ir::integer_type(bits), t.stack_address(pointer, bits / 8, false)));
  t.check_target(target);
  t.set_stack_pointer(b.add(pointer, b.i64(bits / 8 + (t.insn.immediate & 0xffff))));
  t.end_with_return(target);
}

}  // namespace

bool translate_branch(Translator& t) {
  const uint8_t opcode = t.insn.opcode;
  if (t.insn.map == Map::map_0f || (opcode & 0xf0) == 0x70) return jcc(t), true;
  switch (opcode) {
    case 0xc2:
    case 0xc3: return ret(t), true;
    case 0xe0:
    case 0xe1:
    case 0xe2: return loop(t), true;
    case 0xe3: return jcxz(t), true;
    case 0xe8: return call(t), true;
    case 0xe9:
    case 0xeb: return t.end_at(relative_target(t)), true;
    default: break;
  }
  if (t.insn.reg == 2) return call_indirect(t), true;
  if (t.insn.reg == 4) return t.end_at(indirect_target(t)), true;
  return false;
}

}  // namespace strata::isa::x86
