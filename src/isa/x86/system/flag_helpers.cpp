// The helpers of PUSHF, POPF, CLI, STI, CLAC, STAC, and of the I/O instructions' privilege.
#include "isa/x86/helpers/define.h"
#include "isa/x86/system/helpers.h"

#include "isa/x86/system/control_bits.h"
#include "isa/x86/system/descriptor.h"
#include "isa/x86/system/interrupts.h"
#include "isa/x86/system/tss.h"

namespace strata::isa::x86 {
namespace {

unsigned iopl(const State& s) { return s.system_flags >> 12 & 3; }

bool iopl_forbids(const State& s) { return is_protected(s) && s.cpl > iopl(s); }

uint64_t read_flags(ir::ExecContext& context) {
  Cpu& cpu = Cpu::of(context);
  if (is_vm86(cpu.state) && iopl(cpu.state) < 3) return raise(cpu, vector_gp, 0);
  return rflags(cpu.state) & ~(Rflags::rf | Rflags::vm);
}

uint64_t write_flags(ir::ExecContext& context, uint64_t value, uint64_t bits) {
  Cpu& cpu = Cpu::of(context);
  State& s = cpu.state;
  if (is_vm86(s) && iopl(s) < 3) return raise(cpu, vector_gp, 0);
  uint64_t mask = Rflags::arithmetic | Rflags::tf | Rflags::df | Rflags::nt;
  if (bits != 16) mask |= Rflags::ac | Rflags::id;
  if (!iopl_forbids(s)) mask |= Rflags::if_;
  if (!is_vm86(s) && s.cpl == 0) mask |= Rflags::iopl;
  set_rflags(s, (rflags(s) & ~(mask | Rflags::rf)) | (value & mask));
  notice_interrupts(cpu);
  return 0;
}

uint64_t set_interrupt_flag(ir::ExecContext& context, uint64_t value) {
  Cpu& cpu = Cpu::of(context);
  State& s = cpu.state;
  if (iopl_forbids(s)) return raise(cpu, vector_gp, 0);
  if (!value) {
    s.system_flags &= ~static_cast<uint32_t>(Rflags::if_);
    return 0;
  }
  if (!(s.system_flags & Rflags::if_)) s.interrupt_shadow = 1;
  s.system_flags |= Rflags::if_;
  notice_interrupts(cpu);
  return 0;
}

/// Whether the program may use these ports (SDM vol. 1, 19.5); #GP(0) otherwise.
bool may_use_port(Cpu& cpu, uint64_t port, uint64_t size) {
  const State& s = cpu.state;
  if (!is_protected(s)) return true;
  if (!is_vm86(s) && s.cpl <= iopl(s)) return true;
  return check_io_bitmap(cpu, static_cast<uint16_t>(port), static_cast<unsigned>(size));
}

uint64_t check_port(ir::ExecContext& context, uint64_t port, uint64_t size) {
  Cpu& cpu = Cpu::of(context);
  if (!may_use_port(cpu, port, size)) leave(cpu);
  return 0;
}

uint64_t port_in(ir::ExecContext& context, uint64_t port, uint64_t size) {
  Cpu& cpu = Cpu::of(context);
  if (!may_use_port(cpu, port, size)) return leave(cpu);
  return cpu.host->port_in(static_cast<uint16_t>(port), static_cast<unsigned>(size));
}

uint64_t port_out(ir::ExecContext& context, uint64_t port, uint64_t size, uint64_t value) {
  Cpu& cpu = Cpu::of(context);
  if (!may_use_port(cpu, port, size)) return leave(cpu);
  cpu.host->port_out(static_cast<uint16_t>(port), static_cast<unsigned>(size), static_cast<uint32_t>(value));
  return 0;
}

}  // namespace

namespace helpers {
using ir::Type;
const ir::Helper read_flags = define_helper("read_flags", x86::read_flags, Type::i64, {});
const ir::Helper write_flags = define_helper("write_flags", x86::write_flags, Type::none, {Type::i64, Type::i8});
const ir::Helper set_interrupt_flag =
    define_helper("set_interrupt_flag", x86::set_interrupt_flag, Type::none, {Type::i8});
const ir::Helper check_port = define_helper("check_port", x86::check_port, Type::none, {Type::i16, Type::i8});
const ir::Helper port_in = define_helper("port_in", x86::port_in, Type::i32, {Type::i16, Type::i8});
const ir::Helper port_out = define_helper("port_out", x86::port_out, Type::none, {Type::i16, Type::i8, Type::i32});
}  // namespace helpers

}  // namespace strata::isa::x86
