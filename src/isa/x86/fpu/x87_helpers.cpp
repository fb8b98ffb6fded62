// x87 instructions on the host's unit, with the guest's idea of exceptions.
#include "isa/x86/fpu/x87_helpers.h"

#include <cstring>

#include "isa/x86/cpu.h"
#include "isa/x86/fpu/x87_unit.h"
#include "isa/x86/helpers/define.h"
#include "isa/x86/mode.h"
#include "isa/x86/system/control_bits.h"

namespace strata::isa::x86 {
namespace {

constexpr uint16_t exceptions = 0x3f;
constexpr uint16_t before_the_operation = 0x07;  ///< IE, DE, ZE: unmasked, they leave the operands as they were
constexpr uint16_t control_at_init = 0x37f;

bool has_unmasked(const Cpu& cpu) { return (cpu.state.x87.control & exceptions) != exceptions; }

/// Whether an unmasked exception waits for the next instruction: raises #MF, or tells the old way, by an interrupt
/// line that this board does not have.
bool exception_waits(Cpu& cpu) {
  if (!has_unmasked(cpu)) return false;
  const uint16_t status = cpu.x87_on_unit ? x87_unit::status() : cpu.state.x87.status;
  if (!(status & ~cpu.state.x87.control & exceptions) || !(cpu.state.cr0 & Cr0::ne)) return false;
  raise(cpu, vector_mf);
  return true;
}

void remember_insn(State& s, uint64_t opcode, uint64_t modrm) {
  s.x87.insn_pointer = s.rip;
  s.x87.insn_selector = s.segment[cs].selector;
  s.x87.opcode = static_cast<uint16_t>((opcode & 7) << 8 | modrm);
}

/// Runs `operation` on the unit. Where it comes upon an exception that the guest has unmasked and that precedes the
/// operation, registers stay as they were and only the flags change. False: so it was.
template <class Operation>
bool operate(Cpu& cpu, Operation operation) {
  if (!has_unmasked(cpu)) {
    x87_unit::load(cpu);
    operation();
    return true;
  }
  x87_unit::unload(cpu);
  const X87 before = cpu.state.x87;
  x87_unit::load(cpu);
  operation();
  x87_unit::unload(cpu);
  const uint16_t fresh = cpu.state.x87.status & ~before.status & ~before.control & exceptions;
  if (!(fresh & before_the_operation)) return true;
  cpu.state.x87 = before;
  cpu.state.x87.status |= fresh | 0x8080;
  return false;
}

uint64_t x87_register(ir::ExecContext& context, uint64_t opcode, uint64_t modrm) {
  Cpu& cpu = Cpu::of(context);
  if (exception_waits(cpu)) return 0;
  operate(cpu, [&] { x87_unit::run(static_cast<uint8_t>(opcode), static_cast<uint8_t>(modrm)); });
  remember_insn(cpu.state, opcode, modrm);
  return 0;
}

uint64_t x87_flags(ir::ExecContext& context, uint64_t opcode, uint64_t modrm, uint64_t flags) {
  Cpu& cpu = Cpu::of(context);
  if (exception_waits(cpu)) return flags;
  uint32_t after = static_cast<uint32_t>(flags);
  const bool done = operate(cpu, [&] {
    after = x87_unit::run_with_flags(static_cast<uint8_t>(opcode), static_cast<uint8_t>(modrm), after);
  });
  remember_insn(cpu.state, opcode, modrm);
  return done ? after : flags;
}

uint64_t x87_load(ir::ExecContext& context, uint64_t insn, uint64_t low, uint64_t high, uint64_t linear) {
  Cpu& cpu = Cpu::of(context);
  if (exception_waits(cpu)) return 0;
  uint64_t operand[2] = {low, high};
  const auto opcode = static_cast<uint8_t>(insn >> 8), reg = static_cast<uint8_t>(insn & 7);
  operate(cpu, [&] { x87_unit::run(opcode, reg, operand); });
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
  const bool done =
      operate(cpu, [&] { x87_unit::run(static_cast<uint8_t>(opcode), static_cast<uint8_t>(reg), result); });
  remember_insn(cpu.state, opcode, reg << 3);
  cpu.state.x87.data_pointer = linear;
  if (done && !cpu.host->write(linear, result, bytes, space)) leave(cpu);
  return 0;
}

uint64_t x87_wait(ir::ExecContext& context) {
  exception_waits(Cpu::of(context));
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
  if (cpu.x87_on_unit) {
    x87_unit::clear_exceptions();
  } else {
    cpu.state.x87.status &= 0x7f00;
  }
  return 0;
}

uint64_t fnstsw(ir::ExecContext& context) {
  Cpu& cpu = Cpu::of(context);
  if (!cpu.x87_on_unit) return cpu.state.x87.status;
  const uint16_t status = x87_unit::status();
  return status & ~cpu.state.x87.control & exceptions ? status | 0x8080u : status;
}

uint64_t fldcw(ir::ExecContext& context, uint64_t value) {
  Cpu& cpu = Cpu::of(context);
  if (exception_waits(cpu)) return 0;
  x87_unit::unload(cpu);
  X87& x = cpu.state.x87;
  x.control = static_cast<uint16_t>((value & 0x1f7f) | 0x40);
  x.status = x.status & ~x.control & exceptions ? x.status | 0x8080 : x.status & 0x7f7f;
  return 0;
}

}  // namespace

namespace helpers {
using ir::Type;
const ir::Helper x87_register = define_helper("x87_register", x86::x87_register, Type::none, {Type::i8, Type::i8});
const ir::Helper x87_flags =
    define_helper("x87_flags", x86::x87_flags, Type::i32, {Type::i8, Type::i8, Type::i32});
const ir::Helper x87_load =
    define_helper("x87_load", x86::x87_load, Type::none, {Type::i16, Type::i64, Type::i64, Type::i64});
const ir::Helper x87_store =
    define_helper("x87_store", x86::x87_store, Type::none, {Type::i8, Type::i8, Type::i64, Type::i8});
const ir::Helper x87_wait = define_helper("x87_wait", x86::x87_wait, Type::none, {});
const ir::Helper fninit = define_helper("fninit", x86::fninit, Type::none, {});
const ir::Helper fnclex = define_helper("fnclex", x86::fnclex, Type::none, {});
const ir::Helper fnstsw = define_helper("fnstsw", x86::fnstsw, Type::i16, {});
const ir::Helper fldcw = define_helper("fldcw", x86::fldcw, Type::none, {Type::i16});
}  // namespace helpers

}  // namespace strata::isa::x86
