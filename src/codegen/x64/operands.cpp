// Operands and results of operations, in registers of their kind: use() and define().
#include "base/assert.h"
#include "codegen/x64/compiler.h"

namespace strata::codegen::x64 {

void Compiler::load_constant(const Gp& to, uint64_t constant) {
  if (constant >> 32 == 0) a_.mov(to.r32(), static_cast<uint32_t>(constant));  // never xor: the flags stay
  else if (fits(constant)) a_.mov(to.r64(), static_cast<int64_t>(constant));
  else a_.mov(to.r64(), constant);
}

void Compiler::load_constant(const Xmm& to, const ir::Vec128& constant) {
  if (constant.lo == 0 && constant.hi == 0) return static_cast<void>(a_.pxor(to, to));
  load_constant(x86::rax, constant.lo);
  a_.movq(to, x86::rax);
  if (constant.hi == 0) return;
  if (constant.hi == constant.lo) return static_cast<void>(a_.punpcklqdq(to, to));
  load_constant(x86::rax, constant.hi);
  a_.movq(x86::xmm15, x86::rax);
  a_.punpcklqdq(to, x86::xmm15);
}

/// With zeros above the bits of `type`.
void Compiler::copy_clean(const Gp& to, const Gp& from, Type type) {
  switch (ir::bits(type)) {
    case 64: a_.mov(to.r64(), from.r64()); break;
    case 32: a_.mov(to.r32(), from.r32()); break;
    case 16: a_.movzx(to.r32(), from.r16()); break;
    default: a_.movzx(to.r32(), from.r8()); break;
  }
}

/// In a general register, which may hold anything above the bits of the value's type.
Compiler::Gp Compiler::use_low(Value value) { return x86::gpq(static_cast<uint32_t>(bring(value))); }

Compiler::Gp Compiler::use(Value value) {
  const uint32_t pinned = general_.pinned;
  const Gp found = use_low(value);
  if (!note(value).unclean) return found;
  Gp to = found;
  if (general_.homes.is_home(found.id()) || !is_alone(value)) {
    general_.pinned = pinned;
    const int8_t reg = allocate(general_);
    to = x86::gpq(static_cast<uint32_t>(reg));
    if (note(value).reg >= 0) release(value);
    bind(value, reg);
  }
  copy_clean(to, found, type_of(value));
  note(value).unclean = false;
  return to;
}

/// A float may have anything above it.
Compiler::Xmm Compiler::use_vector(Value value) { return x86::xmm(static_cast<uint32_t>(bring(value))); }

Compiler::Gp Compiler::define(Value value, bool reads_first) {
  return x86::gpq(static_cast<uint32_t>(give(value, reads_first)));
}

Compiler::Xmm Compiler::define_vector(Value value, bool reads_first) {
  const Xmm to = x86::xmm(static_cast<uint32_t>(give(value, reads_first)));
  note(value).unclean = is_float(value);
  return to;
}

/// All other operands must be in use already. `above`: whether what is above the bits of `from` has to be zeros.
Compiler::Gp Compiler::define_from(Value value, Value from, Above above) {
  if (is_constant(from) && note(from).reg < 0) {
    const Gp to = define(value);
    load_constant(to, at(from).imm);
    return to;
  }
  const uint32_t others = general_.pinned;
  const Gp source = use_low(from);
  const bool clean = above == Above::zeros && note(from).unclean;
  const Gp to = x86::gpq(static_cast<uint32_t>(give_from(value, from, others)));
  if (clean) copy_clean(to, source, type_of(from));
  else if (to != source) a_.mov(to, source);
  return to;
}

Compiler::Xmm Compiler::define_vector_from(Value value, Value from) {
  const uint32_t others = vectors_.pinned;
  const Xmm source = use_vector(from);
  const Xmm to = x86::xmm(static_cast<uint32_t>(give_from(value, from, others)));
  // A float that is computed in a home becomes its lowest lane.
  const bool lane = is_float(value) && vectors_.homes.is_home(to.id());
  note(value).unclean = is_float(value) && (lane || note(from).unclean);
  if (to == source) return to;
  if (!lane) a_.movaps(to, source);
  else if (type_of(value) == Type::f32) a_.movss(to, source);
  else a_.movsd(to, source);
  return to;
}

}  // namespace strata::codegen::x64
