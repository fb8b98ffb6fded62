// x87 instructions on the host's unit, with the guest's idea of exceptions.
#include "isa/x86/fpu/x87_helpers.h"

#include <cstring>

#include "base/float_stack.h"
#include "isa/x86/cpu.h"
#include "isa/x86/fpu/x87_unit.h"
#include "isa/x86/helpers/define.h"
#include "isa/x86/mode.h"
#include "isa/x86/system/control_bits.h"

namespace strata::isa::x86 {
namespace {

using x87_unit::exceptions;
constexpr uint16_t not_precision = 0x1f;  ///< unmasked, they keep a store from being done
constexpr uint16_t control_at_init = 0x37f;

bool has_unmasked(const Cpu& cpu) { return (cpu.state.x87.control & exceptions) != exceptions; }

/// Whether an unmasked exception waits for the next instruction: raises #MF, or tells the old way, by an interrupt
/// line that this board does not have.
bool exception_waits(Cpu& cpu) {
  if (!has_unmasked(cpu)) return false;
  const uint16_t status = cpu.state.x87.place == X87Place::unit ? float_stack::status() : cpu.state.x87.status;
  if (!(status & ~cpu.state.x87.control & exceptions) || !(cpu.state.cr0 & Cr0::ne)) return false;
  raise(cpu, vector_mf);
  return true;
}

float_stack::Operation operation(uint64_t opcode, uint64_t modrm) {
  return float_stack::operation(static_cast<uint8_t>(opcode), static_cast<uint8_t>(modrm));
}

void remember_insn(State& s, uint64_t opcode, uint64_t modrm) {
  s.x87.insn_pointer = s.rip;
  s.x87.insn_selector = s.segment[cs].selector;
  s.x87.opcode = static_cast<uint16_t>((opcode & 7) << 8 | modrm);
}

/// Runs `operation` on the unit. Where the guest has unmasked an exception, it is so on the unit too for this one
/// instruction, which then leaves undone what the guest's would, and scales results as it would: #MF itself comes only
/// at the next instruction that waits, and unload() does not. False: an exception has kept memory from being written.
template <class Operation>
bool operate(Cpu& cpu, Operation operation) {
  if (!has_unmasked(cpu)) {
    x87_unit::load(cpu);
    operation();
    return true;
  }
  x87_unit::unload(cpu);
  const X87& x = cpu.state.x87;
  const uint16_t before = x.status;
  const bool waits = before & ~x.control & exceptions;  // without CR0.NE that keeps nobody from going on
  x87_unit::load(cpu);
  if (!waits) float_stack::set_control(x.control);
  operation();
  x87_unit::unload(cpu);
  return !(x.status & ~before & ~x.control & not_precision);
}

uint64_t x87_register(ir::ExecContext& context, uint64_t opcode, uint64_t modrm) {
  Cpu& cpu = Cpu::of(context);
  if (exception_waits(cpu)) return 0;
  operate(cpu, [&] { float_stack::run(operation(opcode, modrm)); });
  remember_insn(cpu.state, opcode, modrm);
  return 0;
}

uint64_t x87_flags(ir::ExecContext& context, uint64_t opcode, uint64_t modrm, uint64_t flags) {
  Cpu& cpu = Cpu::of(context);
  if (exception_waits(cpu)) return flags;
  uint32_t after = static_cast<uint32_t>(flags);
  operate(cpu, [&] { after = float_stack::run_with_flags(operation(opcode, modrm), after); });
  remember_insn(cpu.state, opcode, modrm);
  return after;
}

uint64_t x87_load(ir::ExecContext& context, uint64_t insn, uint64_t low, uint64_t high, uint64_t linear) {
  Cpu& cpu = Cpu::of(context);
  if (exception_waits(cpu)) return 0;
  uint64_t operand[2] = {low, high};
  const auto opcode = static_cast<uint8_t>(insn >> 8), reg = static_cast<uint8_t>(insn & 7);
  operate(cpu, [&] { float_stack::run(float_stack::memory_operation(opcode, reg), operand); });
  remember_insn(cpu.state, opcode, reg << 3);
  cpu.state.x87.data_pointer = linear;
  return 0;
}

/// The memory is asked first, as a refused store must leave the stack as it was.
uint64_t x87_store(ir::ExecContext& context, uint64_t opcode, uint64_t reg, uint64_t linear, uint64_t size) {
  Cpu& cpu = Cpu::of(context);
  if (exception_waits(cpu)) return 0;
  const ir::Space space = Mode::of(cpu.state).data_space();
  const auto bytes = static_cast<unsigned>(size);
  if (!cpu.host->probe(linear, bytes, space, Access::write)) return leave(cpu);
  uint8_t result[16];
  const bool done = operate(cpu, [&] { float_stack::run(operation(opcode, reg << 3), result); });
  remember_insn(cpu.state, opcode, reg << 3);
  cpu.state.x87.data_pointer = linear;
  if (done && !cpu.host->write(linear, result, bytes, space)) leave(cpu);
  return 0;
}

uint64_t fninit(ir::ExecContext& context) {
  Cpu& cpu = Cpu::of(context);
  x87_unit::unload(cpu);
  X87& x = cpu.state.x87;
  x.control = control_at_init;
  x.status = 0;
  x.valid = 0;
  x.opcode = 0;
  x.insn_pointer = x.data_pointer = 0;
  x.insn_selector = x.data_selector = 0;
  return 0;
}

uint64_t fnclex(ir::ExecContext& context) {
  Cpu& cpu = Cpu::of(context);
  if (cpu.state.x87.place == X87Place::unit) {
    constexpr float_stack::Operation fnclex = 0xdbe2;
    float_stack::run(fnclex);
  } else {
    cpu.state.x87.status &= 0x7f00;
  }
  return 0;
}

uint64_t fnstsw(ir::ExecContext& context) {
  Cpu& cpu = Cpu::of(context);
  if (cpu.state.x87.place != X87Place::unit) return cpu.state.x87.status;
  return x87_unit::summarized(float_stack::status(), cpu.state.x87.control);
}

uint64_t fldcw(ir::ExecContext& context, uint64_t value) {
  Cpu& cpu = Cpu::of(context);
  if (exception_waits(cpu)) return 0;
  x87_unit::unload(cpu);
  X87& x = cpu.state.x87;
  x.control = static_cast<uint16_t>((value & 0x1f7f) | 0x40);
  x.status = x87_unit::summarized(x.status, x.control);
  return 0;
}

}  // namespace

namespace helpers {
using ir::Type;
const ir::Helper x87_register = define_helper("x87_register", x86::x87_register, Type::none, {Type::i8, Type::i8});
const ir::Helper x87_flags = define_helper("x87_flags", x86::x87_flags, Type::i32, {Type::i8, Type::i8, Type::i32});
const ir::Helper x87_load =
    define_helper("x87_load", x86::x87_load, Type::none, {Type::i16, Type::i64, Type::i64, Type::i64});
const ir::Helper x87_store =
    define_helper("x87_store", x86::x87_store, Type::none, {Type::i8, Type::i8, Type::i64, Type::i8});
const ir::Helper fninit = define_helper("fninit", x86::fninit, Type::none, {});
const ir::Helper fnclex = define_helper("fnclex", x86::fnclex, Type::none, {});
const ir::Helper fnstsw = define_helper("fnstsw", x86::fnstsw, Type::i16, {});
const ir::Helper fldcw = define_helper("fldcw", x86::fldcw, Type::none, {Type::i16});
}  // namespace helpers

}  // namespace strata::isa::x86
