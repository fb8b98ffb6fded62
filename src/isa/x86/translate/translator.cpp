// The translator's tools that do not touch memory: registers, flags, exceptions and the ends of units.
#include "isa/x86/translate/translator.h"

namespace strata::isa::x86 {

Translator::Translator(const CodeKey& key, const Mode& its_mode, const Cpuid& its_cpuid, const Region& its_region)
    : b(layout(), ir::Builder::Types::trusted),
      mode(its_mode),
      cpuid(its_cpuid),
      region(its_region),
      pc(key.pc),
      relocatable(key.relocatable),
      unit_ac_(mode.ac),
      first_pc_(key.pc) {}

Value Translator::pc_value(uint64_t any_pc) {
  if (!relocatable) return b.i64(any_pc);
  return b.add(b.get(slot_unit_base), b.i64(told(any_pc)));
}

Value Translator::gpr(uint8_t number, unsigned bits) {
  if (bits == 8) return gpr8(number);
  return b.trunc(ir::integer_type(bits), b.get(gpr_slot(number)));
}

void Translator::set_gpr(uint8_t number, Value value) {
  const auto slot = gpr_slot(number);
  switch (b.type_of(value)) {
    case Type::i8: return set_gpr8(number, value);
    case Type::i16: return b.set(slot, b.insert_low(b.get(slot), value));
    default: return b.set(slot, b.zext(Type::i64, value));
  }
}

Value Translator::gpr8(uint8_t number) {
  if (number < 4 || insn.rex) return b.trunc(Type::i8, b.get(gpr_slot(number)));
  return b.trunc(Type::i8, b.shr(b.get(gpr_slot(number & 3)), b.i8(8)));
}

void Translator::set_gpr8(uint8_t number, Value value) {
  if (number < 4 || insn.rex) {
    const auto slot = gpr_slot(number);
    return b.set(slot, b.insert_low(b.get(slot), value));
  }
  const auto slot = gpr_slot(number & 3);
  const Value others = b.and_(b.get(slot), b.i64(~uint64_t{0xff00}));
  b.set(slot, b.or_(others, b.shl(b.zext(Type::i64, value), b.i8(8))));
}

Value Translator::immediate(unsigned bits) {
  return b.constant(ir::integer_type(bits), static_cast<uint64_t>(insn.immediate));
}

unsigned Translator::stack_operand_bits() const {
  if (mode.code_bits != 64) return insn.operand_bits;
  return insn.operand_bits == 16 ? 16 : 64;
}

void Translator::set_flags(Value fresh, uint32_t mask) { set_flags(b.flags_merge(flags(), fresh, mask)); }

Value Translator::cond(uint8_t tttn) { return b.cond(static_cast<ir::Cond>(tttn & 15), flags()); }

void Translator::raise(Vector vector) { b.exit(ir::ExitKind::trap, trap_payload(vector)); }

void Translator::raise(Vector vector, uint16_t error) { b.exit(ir::ExitKind::trap, trap_payload(vector, error)); }

void Translator::raise_if(Value condition, Vector vector) {
  b.exit_if(condition, ir::ExitKind::trap, trap_payload(vector));
}

void Translator::raise_if(Value condition, Vector vector, uint16_t error) {
  b.exit_if(condition, ir::ExitKind::trap, trap_payload(vector, error));
}

/// In real mode CS's limit is at least 64 KiB; elsewhere it is looked at where it is not 4 GiB.
bool Translator::needs_check(Value target) const {
  uint64_t known = 0;
  return !mode.flat_code && (mode.protected_ || !b.is_constant(target, &known) || known > 0xffff);
}

void Translator::check_target(Value target) {
  if (!needs_check(target)) return;
  const Value limit = b.zext(Type::i64, b.get(segment_limit_slot(cs)));
  raise_if(b.lt_u(limit, target), vector_gp, 0);
}

std::optional<ir::BlockId> Translator::block_at(uint64_t target_pc) {
  if (needs_check(b.i64(target_pc)) || ac_changed()) return std::nullopt;
  bool behind = false;
  const auto block = region.block_of(b, target_pc, &behind);
  return behind ? std::nullopt : block;
}

/// Loops look at events in every round, with the state of the round to come.
void Translator::end_at(uint64_t target_pc) {
  check_target(b.i64(target_pc));
  if (ac_changed()) return b.exit_goto(told(target_pc));
  bool behind = false;
  const auto block = region.block_of(b, target_pc, &behind);
  if (!block) return b.exit_goto(told(target_pc));
  if (behind) {
    b.set(slot_rip, pc_value(target_pc));
    b.poll();
  }
  b.jump(*block);
}

void Translator::end_with_return(Value target_pc) {
  if (ac_changed()) return end_at(target_pc);
  check_target(target_pc);
  b.exit_return(target_pc);
}

void Translator::end_at(Value target_pc) {
  check_target(target_pc);
  if (!ac_changed()) return b.exit_indirect(target_pc);
  b.set(slot_rip, target_pc);  // Unit::mode does not hold
  b.exit(ir::ExitKind::next);
}

void Translator::begin_block(ir::BlockId block) {
  b.begin(block);
  mode.ac = unit_ac_;
}

void Translator::end_after_this() {
  if (!relocatable) return b.exit_indirect(b.i64(next_pc()));
  b.set(slot_rip, pc_value(next_pc()));
  b.exit(ir::ExitKind::next);
}

/// Helpers may take the x87 state elsewhere.
Value Translator::call(const ir::Helper& helper, std::initializer_list<Value> args) {
  if (helper.effect >= ir::HelperEffect::state) x87_place_ = X87Place::memory;
  return b.call(helper, args);
}

void Translator::expect_x87(X87Place place) {
  if (x87_place_ == place && x87_block_ == b.block()) return;
  const Value elsewhere = b.ne(b.get(slot_x87_place), b.i8(static_cast<uint8_t>(place)));
  b.exit_if(elsewhere, ir::ExitKind::trap, trap_x87_careful);
  x87_place_ = place;
  x87_block_ = b.block();
}

void Translator::set_x87_place(X87Place place) {
  b.set(slot_x87_place, b.i8(static_cast<uint8_t>(place)));
  x87_place_ = place;
  x87_block_ = b.block();
}

bool Translator::needs_cpl0() {
  if (mode.cpl == 0) return false;
  general_protection();
  return true;
}

bool Translator::sse_unusable() {
  if (!mode.sse) return invalid(), true;
  if (mode.task_switched) return raise(vector_nm), true;
  return false;
}

bool Translator::x87_unusable() {
  if (!mode.x87_blocked) return false;
  raise(vector_nm);
  return true;
}

/// SDM vol. 2, LOCK: only with these, and only where they write to memory.
bool Translator::lock_is_wrong() {
  if (!insn.lock) return false;
  const auto allowed = [this] {
    if (!insn.has_modrm || insn.is_register_form()) return false;
    const uint8_t op = insn.opcode, reg = insn.reg;
    if (insn.map == Map::primary) {
      if (op < 0x38) return (op & 7) < 2;  // ADD OR ADC SBB AND SUB XOR
      if (op == 0x80 || op == 0x81 || op == 0x82 || op == 0x83) return reg != 7;
      if (op == 0x86 || op == 0x87) return true;                  // XCHG
      if (op == 0xf6 || op == 0xf7) return reg == 2 || reg == 3;  // NOT NEG
      return (op == 0xfe || op == 0xff) && reg < 2;               // INC DEC
    }
    if (insn.map != Map::map_0f) return false;
    if (op == 0xba) return reg > 4;                                 // BTS BTR BTC
    return op == 0xab || op == 0xb3 || op == 0xbb ||                // BTS BTR BTC
           op == 0xb0 || op == 0xb1 || op == 0xc0 || op == 0xc1 ||  // CMPXCHG XADD
           (op == 0xc7 && reg == 1);                                // CMPXCHG8B, CMPXCHG16B
  };
  if (allowed()) return false;
  invalid();
  return true;
}

}  // namespace strata::isa::x86
