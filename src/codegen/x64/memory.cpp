// Guest loads and stores with the software TLB in line (ir/runtime.h), and the guest's state.
#include "codegen/x64/compiler.h"

#include <algorithm>

#include "base/assert.h"

namespace strata::codegen::x64 {

/// The address of a load or store, in rax unless it stands in a register as it is.
Compiler::Gp Compiler::address_of(Value value) {
  if (!note(value).fused) return use(value);
  const bool narrow = at(value).op == Op::and_;  // to 32 bits
  const Value sum = narrow ? at(value).arg[0] : value;
  if (note(sum).fused) a_.lea(half_or_all(x86::rax, !narrow), operands_of_sum(sum));
  else a_.mov(x86::eax, use(sum).r32());
  return x86::rax;
}

/// Of a sum that its users compute, as the host computes addresses.
x86::Mem Compiler::operands_of_sum(Value value) {
  int32_t displacement = 0;
  if (const Instr& sum = at(value); is_displaced(unit_, sum)) {
    displacement = displacement_of(unit_, sum);
    value = sum.arg[0];
    if (!note(value).fused) return x86::ptr(use(value), displacement);
  }
  const Instr& sum = at(value);
  Value left = sum.arg[0], right = sum.arg[1];
  if (note(left).fused) std::swap(left, right);
  unsigned scale = 0;
  if (note(right).fused) {
    scale = static_cast<unsigned>(at(at(right).arg[1]).imm);
    right = at(right).arg[0];
  }
  const Gp first = use(left), second = use(right);
  return x86::ptr(first, second, scale, displacement);
}

/// The same without the sum of a register and a constant.
Compiler::Place Compiler::place_of(Value value) {
  const Instr& sum = at(value);
  if (!note(value).fused || !is_displaced(unit_, sum) || note(sum.arg[0]).fused) return {address_of(value), 0};
  return {use(sum.arg[0]), displacement_of(unit_, sum)};
}

Compiler::Gp Compiler::address_at(const Place& place) {
  if (place.displacement == 0) return place.reg;
  a_.lea(x86::rax, x86::ptr(place.reg, place.displacement));
  return x86::rax;
}

void Compiler::look_up(const Gp& address, const Instr& instr, bool write, uint32_t miss) {
  look_up(address, ir::bytes(instr.type), static_cast<ir::Space>(instr.imm), write, miss);
}

/// Gives the page's addend in rcx, or goes to place `miss`, where not all bytes are in one page too. `address` may be in
/// rdx.
void Compiler::look_up(const Gp& address, int64_t size, ir::Space space, bool write, uint32_t miss) {
  const bool at_hand = space == unit_.data_space;
  auto& pieces = at_hand ? work_.data_tlb : work_.tlb[space];
  const auto in_entry = [at_hand](size_t offset) {
    const auto in_first = static_cast<int32_t>(offsetof(ir::Tlb, pages) + offset);
    return at_hand ? x86::ptr(tlb_register, x86::rcx, 1, in_first - TlbRegister::offset) : x86::ptr(x86::rcx, in_first);
  };
  static_assert(sizeof(ir::TlbEntry) == 2u << (ir::page_bits - TlbRegister::shift));
  if (host_.bmi2) {
    a_.shrx(x86::ecx, address.r32(), tlb_register.r32());
  } else {
    a_.mov(x86::ecx, address.r32());
    a_.shr(x86::ecx, TlbRegister::shift);
  }
  a_.repeat(pieces.entry, [&] {
    a_.and_(x86::ecx, static_cast<uint32_t>((ir::tlb_entries - 1) << (ir::page_bits - TlbRegister::shift)));
    if (at_hand) return;
    a_.add(x86::ecx, x86::ecx);
    a_.add(x86::rcx, x86::ptr(x86::rsp, Frame::tlb(space)));
  });
  if (size > 1) a_.lea(x86::rdx, x86::ptr(address, static_cast<int32_t>(size - 1)));
  else if (address != x86::rdx) a_.mov(x86::rdx, address);
  a_.repeat(write ? pieces.write_tag : pieces.read_tag, [&] {
    a_.shr(x86::rdx, ir::page_bits);
    a_.cmp(x86::rdx, in_entry(write ? offsetof(ir::TlbEntry, write) : offsetof(ir::TlbEntry, read)));
  });
  jump_to_stub(CondCode::kNE, miss);
  a_.repeat(pieces.addend, [&] { a_.mov(x86::rcx, in_entry(offsetof(ir::TlbEntry, addend))); });
}

/// Whether one of its neighbours has looked into the TLB for the access at hand.
bool Compiler::shares_look() const {
  const uint8_t number = note(here()).neighbours;
  return number != 0 && scratch_.neighbours[number - 1u].first != here();
}

/// For all neighbours at once; what may be written may be read. The instruction at hand is the first.
void Compiler::look_up(const Neighbours& all, const Place& place, uint32_t alone) {
  const int64_t own = distance_of(unit_, at(here()).arg[0]).bytes;
  const auto offset = static_cast<int32_t>(place.displacement + (all.begin - own));
  Gp lowest = place.reg;
  if (offset != 0) {
    lowest = x86::rdx;
    a_.lea(half_or_all(lowest, !all.narrow), x86::ptr(place.reg, offset));
  }
  look_up(lowest, all.end - all.begin, all.space, all.write, alone);
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
  const Place place = place_of(instr.arg[0]);
  if (is_vector_type(instr.type)) define_vector(here(), true);
  else define(here(), true);
  note(here()).unclean = false;
  access(instr, place, ir::no_value, note(here()).reg);
}

void Compiler::store(const Instr& instr) {
  const int8_t reg = use_to_store(instr.arg[1]);
  access(instr, place_of(instr.arg[0]), instr.arg[1], reg);
}

void Compiler::transfer(const Instr& instr, const x86::Mem& memory, Value value, int8_t reg) {
  if (instr.op == Op::store) store_to(memory, instr.type, value, reg);
  else load_from(memory, instr.type, reg);
}

/// What misses goes on at the transfer, where the thunk has found the page for this access alone, or C++ has loaded what
/// is to be loaded; or behind it. The result of a load is not there yet where it is refused; nobody wants it there.
void Compiler::access(const Instr& instr, const Place& wanted, Value value, int8_t reg) {
  const bool is_store = instr.op == Op::store;
  const uint8_t number = note(here()).neighbours;
  const Place place = number != 0 ? wanted : Place{address_at(wanted), 0};
  ExitPlace& exit = make_access(is_store ? ExitPlace::Way::store : ExitPlace::Way::load, place.reg,
                                std::max(1u, ir::bytes(instr.type)), instr.imm);
  exit.access.displacement = place.displacement;
  if (is_store) {
    exit.value = reg < 0 ? ExitPlace::constant : static_cast<uint32_t>(reg) & 15;
    exit.vector = is_vector(value) ? 1 : 0;
  }
  const uint32_t miss = last_place();
  if (number == 0) {
    look_up(place.reg, instr, is_store, miss);
  } else {
    const x86::Mem page = x86::qword_ptr(x86::rsp, Frame::page(number - 1u));
    if (!shares_look()) {
      exit.pages = (number - 1u) & 31;
      look_up(scratch_.neighbours[number - 1u], place, miss);
      a_.mov(page, x86::rcx);
    } else {
      a_.mov(x86::rcx, page);
      if (carry_waits()) {  // these leave the carry alone
        a_.inc(x86::rcx);
        a_.dec(x86::rcx);
      } else {
        a_.test(x86::rcx, x86::rcx);
      }
      jump_to_stub(CondCode::kZ, miss);
    }
  }
  exit.access.resume = here_in_code();
  transfer(instr, x86::ptr(place.reg, x86::rcx, 0, place.displacement), value, reg);
  exit.length = (here_in_code() - exit.access.resume) & 15;
}

void Compiler::get(const Instr& instr) {
  if (const int8_t home = home_of(instr.imm); home >= 0) return bind(here(), home);
  if (instr.imm == unit_.layout->flags) return get_flags();
  if (instr.imm == unit_.layout->pc && pc_lags_) bring_up_to_date();
  const ir::Slot& slot = slot_of(instr);
  if (is_vector_type(slot.type)) define_vector(here());
  else define(here());
  load_from(state(slot.offset, 8), slot.type, note(here()).reg);
}

void Compiler::set(const Instr& instr) {
  const Value value = instr.arg[0];
  if (const int8_t home = home_of(instr.imm); home >= 0) return set_home(home, value);
  if (note(value).direct && note(value).fold == position_) return;
  if (instr.imm == unit_.layout->flags) return set_flags(value);
  const ir::Slot& slot = slot_of(instr);
  const int8_t reg = use_to_store(value);
  store_to(state(slot.offset, 8), slot.type, value, reg);
}

void Compiler::set_home(int8_t home, Value value) {
  const int8_t reg = note(value).reg;
  if (reg == home) return;  // it was computed there, or read from there
  Registers& all = registers_of(value);
  vacate(all, home);
  if (reg >= 0) {
    move(value, home, reg);
    if (all.homes.is_home(static_cast<unsigned>(reg))) return;
    release(value);  // from now on it is wanted from here
  } else {
    fetch(value, home);
  }
  bind(value, home);
}

}  // namespace strata::codegen::x64
