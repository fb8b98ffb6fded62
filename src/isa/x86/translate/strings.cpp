// MOVS CMPS STOS LODS SCAS INS OUTS, alone and under REP.
#include "isa/x86/helpers/strings.h"

#include "isa/x86/system/helpers.h"
#include "isa/x86/translate/groups.h"

namespace strata::isa::x86 {
namespace {

using helpers::StringOp;
using helpers::StringSpec;

/// Of code that has segments.
bool is_flat(const Translator& t, SegmentName segment, bool write) {
  return segment != fs && segment != gs && t.always_reachable(segment, write);
}

StringSpec::Parts parts_of(const Translator& t) {
  const Insn& insn = t.insn;
  StringSpec::Parts spec;
  switch (insn.opcode & ~1) {
    case 0xa4: spec.op = StringOp::movs; break;
    case 0xa6: spec.op = StringOp::cmps; break;
    case 0xaa: spec.op = StringOp::stos; break;
    case 0xac: spec.op = StringOp::lods; break;
    case 0xae: spec.op = StringOp::scas; break;
    case 0x6c: spec.op = StringOp::ins; break;
    default: spec.op = StringOp::outs; break;
  }
  spec.size = static_cast<uint8_t>(insn.opcode & 1 ? insn.operand_bits / 8 : 1);
  const bool port = spec.op == StringOp::ins || spec.op == StringOp::outs;
  if (port && spec.size == 8) spec.size = 4;
  spec.address_bits = insn.address_bits;
  spec.segment = t.data_segment(ds);
  spec.repeat = insn.rep || insn.repne;
  spec.while_equal = insn.rep;
  spec.one_step = t.mode.trap;
  spec.flat = t.mode.code_bits == 64 || (is_flat(t, spec.segment, false) && is_flat(t, es, true));
  spec.space = t.mode.data_space();
  return spec;
}

/// One element, in IR.
class Element {
 public:
  Element(Translator& t, const StringSpec::Parts& spec)
      : t_(t), b_(t.b), spec_(spec), type_(ir::integer_type(spec.size * 8)) {}

  void emit() {
    switch (spec_.op) {
      case StringOp::movs: t_.store(destination(true), t_.load(type_, source())); return step(true, true);
      case StringOp::stos: t_.store(destination(true), accumulator()); return step(false, true);
      case StringOp::lods: {
        const Value value = t_.load(type_, source());
        step(true, false);
        return t_.set_gpr(rax, value);
      }
      case StringOp::cmps: return compare(t_.load(type_, source()), true);
      default: return compare(accumulator(), false);
    }
  }

 private:
  Value accumulator() { return b_.trunc(type_, b_.get(gpr_slot(rax))); }
  Value pointer(Gpr number) { return t_.cut_address(b_.get(gpr_slot(number)), spec_.address_bits); }
  Value source() { return t_.linear(spec_.segment, pointer(rsi), spec_.size, false); }
  Value destination(bool write) { return t_.linear(es, pointer(rdi), spec_.size, write); }

  void compare(Value a, bool moves_source) {
    const Value other = t_.load(type_, destination(false));
    step(moves_source, true);
    t_.set_flags(b_.flags(Op::flags_sub, a, other));
  }

  void step(bool moves_source, bool moves_destination) {
    const Value down = b_.ne(b_.and_(b_.get(slot_system_flags), b_.i32(Rflags::df)), b_.i32(0));
    const Value delta = b_.select(down, b_.i64(-uint64_t{spec_.size}), b_.i64(spec_.size));
    if (moves_source) move(rsi, delta);
    if (moves_destination) move(rdi, delta);
  }

  void move(Gpr number, Value delta) {
    const Value moved = b_.add(b_.get(gpr_slot(number)), delta);
    t_.set_gpr(number, b_.trunc(ir::integer_type(spec_.address_bits), moved));
  }

  Translator& t_;
  ir::Builder& b_;
  const StringSpec::Parts& spec_;
  const Type type_;
};

/// Calls the helper until it is done. Interrupts are taken between calls, with rip still at the instruction.
void by_helper(Translator& t, const StringSpec::Parts& spec) {
  ir::Builder& b = t.b;
  const bool port = spec.op == StringOp::ins || spec.op == StringOp::outs;
  const ir::BlockId again = b.new_block(), done = b.new_block();
  if (port) b.jump(again);
  else b.branch(b.ne(t.gpr(rcx, spec.address_bits), b.constant(ir::integer_type(spec.address_bits), 0)), again, done);
  b.begin(again);
  if (port) t.call(helpers::check_port, {t.gpr(rdx, 16), b.i8(spec.size)});
  const Value finished = b.trunc(Type::i1, t.call(helpers::string_step, {b.i64(StringSpec(spec).packed())}));
  if (spec.one_step) {
    const ir::BlockId unfinished = b.new_block();
    b.branch(finished, done, unfinished);
    b.begin(unfinished);
    b.exit_goto(t.told(t.pc));
  } else {
    const ir::BlockId interruptible = b.new_block();
    b.branch(finished, done, interruptible);
    b.begin(interruptible);
    b.poll();
    b.jump(again);
  }
  b.begin(done);
}

}  // namespace

bool translate_strings(Translator& t) {
  const StringSpec::Parts spec = parts_of(t);
  const bool port = spec.op == StringOp::ins || spec.op == StringOp::outs;
  if (spec.repeat || port) by_helper(t, spec);
  else Element(t, spec).emit();
  return true;
}

}  // namespace strata::isa::x86
