// Guest loads and stores with the software TLB in line (ir/runtime.h), and the guest's state.
#include "codegen/x64/compiler.h"

#include <algorithm>

#include "base/assert.h"

namespace strata::codegen::x64 {

/// The address of a load or store, in rax unless it stands in a register as it is.
Compiler::Gp Compiler::address_of(Value value) {
  if (!note(value).fused) return use(value);
  int32_t displacement = 0;
  Value base = value;
  const bool narrow = at(base).op == Op::and_;  // to 32 bits
  const Gp to = half_or_all(x86::rax, !narrow);
  if (narrow) {
    base = at(base).arg[0];
    if (!note(base).fused) {
      a_.mov(to, use(base).r32());
      return x86::rax;
    }
  }
  if (const Instr& sum = at(base); is_constant(sum.arg[1])) {
    displacement = static_cast<int32_t>(at(sum.arg[1]).imm);
    base = sum.arg[0];
    if (!note(base).fused) {
      a_.lea(to, x86::ptr(use(base), displacement));
      return x86::rax;
    }
  }
  const Instr& sum = at(base);
  Value left = sum.arg[0], right = sum.arg[1];
  if (note(left).fused) std::swap(left, right);
  unsigned scale = 0;
  if (note(right).fused) {
    scale = static_cast<unsigned>(at(at(right).arg[1]).imm);
    right = at(right).arg[0];
  }
  const Gp first = use(left), second = use(right);
  a_.lea(to, x86::ptr(first, second, scale, displacement));
  return x86::rax;
}

/// Gives the page's addend in rcx, or goes to `miss`.
void Compiler::look_up(const Gp& address, const Instr& instr, bool write, Label miss) {
  constexpr unsigned entry_bits = 5;
  static_assert(sizeof(ir::TlbEntry) == 1u << entry_bits);
  const unsigned size = ir::bytes(instr.type);
  if (host_.bmi2) {
    a_.rorx(x86::ecx, address.r32(), ir::page_bits - entry_bits);
  } else {
    a_.mov(x86::ecx, address.r32());
    a_.shr(x86::ecx, ir::page_bits - entry_bits);
  }
  a_.and_(x86::ecx, static_cast<uint32_t>((ir::tlb_entries - 1) << entry_bits));
  a_.add(x86::rcx, x86::ptr(x86::rsp, Frame::tlb(instr.imm)));
  if (size > 1) a_.lea(x86::rdx, x86::ptr(address, static_cast<int32_t>(size - 1)));
  else a_.mov(x86::rdx, address);
  a_.and_(x86::rdx, static_cast<int32_t>(ir::page_mask));
  const size_t tag = write ? offsetof(ir::TlbEntry, write) : offsetof(ir::TlbEntry, read);
  a_.cmp(x86::rdx, x86::ptr(x86::rcx, static_cast<int32_t>(tag)));
  a_.jne(miss);
  a_.mov(x86::rcx, x86::ptr(x86::rcx, offsetof(ir::TlbEntry, addend)));
}

void Compiler::load_from(const x86::Mem& from, Type type, int8_t reg) {
  const Gp to = x86::gpq(static_cast<uint32_t>(reg));
  const Xmm vector = x86::xmm(static_cast<uint32_t>(reg));
  x86::Mem source = from;
  source.setSize(type == Type::f80 ? 16 : std::max(1u, ir::bytes(type)));
  switch (type) {
    case Type::i1:
    case Type::i8:
    case Type::i16: a_.movzx(to.r32(), source); break;
    case Type::i32: a_.mov(to.r32(), source); break;
    case Type::i64: a_.mov(to.r64(), source); break;
    case Type::f32: a_.movss(vector, source); break;
    case Type::f64: a_.movsd(vector, source); break;
    default: a_.movups(vector, source); break;
  }
}

/// The register of a value that is to be stored; -1: a constant that goes out as it is.
int8_t Compiler::use_to_store(Value value) {
  if (is_vector(value)) {
    use_vector(value);
    return note(value).reg;
  }
  if (note(value).reg < 0 && is_immediate(value)) return -1;
  use_low(value);
  return note(value).reg;
}

void Compiler::store_to(const x86::Mem& to, Type type, Value value, int8_t reg) {
  x86::Mem target = to;
  target.setSize(type == Type::f80 ? 16 : std::max(1u, ir::bytes(type)));
  if (reg < 0) {
    a_.mov(target, immediate(value));
    return;
  }
  const Xmm vector = x86::xmm(static_cast<uint32_t>(reg));
  switch (type) {
    case Type::f32: a_.movss(target, vector); break;
    case Type::f64: a_.movsd(target, vector); break;
    case Type::f80:
    case Type::v128: a_.movups(target, vector); break;
    default: a_.mov(target, sized(x86::gpq(static_cast<uint32_t>(reg)), type)); break;
  }
}

void Compiler::load(const Instr& instr) {
  const Gp address = address_of(instr.arg[0]);
  if (is_vector_type(instr.type)) define_vector(here());
  else define(here(), true);
  const int8_t reg = note(here()).reg;
  const Label miss = a_.newLabel(), back = a_.newLabel();
  look_up(address, instr, false, miss);
  load_from(x86::ptr(address, x86::rcx), instr.type, reg);
  a_.bind(back);
  // The result is not there yet where the load is refused; nobody wants it there.
  slow_paths_.push_back({miss, back, &instr, address, ir::no_value, reg, make_exit(ir::ExitKind::memory, 0).number});
}

void Compiler::store(const Instr& instr) {
  const int8_t reg = use_to_store(instr.arg[1]);
  const Gp address = address_of(instr.arg[0]);
  const Label miss = a_.newLabel(), back = a_.newLabel();
  look_up(address, instr, true, miss);
  store_to(x86::ptr(address, x86::rcx), instr.type, instr.arg[1], reg);
  a_.bind(back);
  slow_paths_.push_back({miss, back, &instr, address, instr.arg[1], reg, make_exit(ir::ExitKind::memory, 0).number});
}

void Compiler::write_slow_path(const SlowPath& path) {
  const Instr& instr = *path.instr;
  const bool is_store = instr.op == Op::store;
  a_.bind(path.begin);
  if (path.address != x86::rax) a_.mov(x86::rax, path.address);
  if (is_store) store_to(x86::ptr(x86::rsp, Frame::scratch), instr.type, path.value, path.reg);
  a_.mov(x86::ecx, ir::bytes(instr.type) | static_cast<uint32_t>(instr.imm) << 8);
  a_.mov(x86::rdx, data(offsetof(CodeData, code)));
  a_.call(x86::ptr(x86::rsp, Frame::thunk(is_store ? Frame::slow_store : Frame::slow_load), 8));
  a_.jz(exit_labels_[path.exit].first);
  if (!is_store) load_from(x86::ptr(x86::rsp, Frame::scratch), instr.type, path.reg);
  a_.jmp(path.back);
}

void Compiler::get(const Instr& instr) {
  if (const int8_t home = homes_.of(instr.imm); home >= 0) return bind(here(), home);
  if (instr.imm == unit_.layout->flags) return get_flags();
  if (instr.imm == unit_.layout->pc && pc_lags_) bring_up_to_date();
  const ir::Slot& slot = slot_of(instr);
  if (is_vector_type(slot.type)) define_vector(here());
  else define(here());
  load_from(state(slot.offset, 8), slot.type, note(here()).reg);
}

void Compiler::set(const Instr& instr) {
  const Value value = instr.arg[0];
  if (note(value).direct) return;
  if (const int8_t home = homes_.of(instr.imm); home >= 0) return set_home(home, value);
  if (instr.imm == unit_.layout->flags) return set_flags(value);
  const ir::Slot& slot = slot_of(instr);
  const int8_t reg = use_to_store(value);
  store_to(state(slot.offset, 8), slot.type, value, reg);
}

void Compiler::set_home(int8_t home, Value value) {
  const int8_t reg = note(value).reg;
  if (reg == home) return;  // it was computed there, or read from there
  vacate(home);
  const Gp to = x86::gpq(static_cast<uint32_t>(home));
  if (reg >= 0) {
    a_.mov(to, x86::gpq(static_cast<uint32_t>(reg)));
    if (homes_.is_home(static_cast<unsigned>(reg))) return;
    release(value);  // from now on it is wanted from here
  } else if (is_constant(value)) {
    load_constant(to, at(value).imm);
  } else {
    a_.mov(to, cell(cell_of(value)));
  }
  bind(value, home);
}

}  // namespace strata::codegen::x64
