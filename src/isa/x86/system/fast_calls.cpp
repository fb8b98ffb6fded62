// SYSCALL, SYSRET, SYSENTER and SYSEXIT (AMD APM vol. 2, 6.1; SDM vol. 2).
#include "isa/x86/helpers/define.h"
#include "isa/x86/system/helpers.h"

#include "isa/x86/system/control_bits.h"
#include "isa/x86/system/descriptor.h"
#include "isa/x86/system/interrupts.h"
#include "isa/x86/system/paging.h"
#include "isa/x86/system/segments.h"

namespace strata::isa::x86 {
namespace {

constexpr uint16_t flat_code = 0xc09b;  ///< present, code, readable, accessed, 32-bit, granular
constexpr uint16_t flat_data = 0xc093;
constexpr uint16_t flat_code64 = 0xa09b;
constexpr uint16_t dpl3 = 3 << 5;

Segment flat(uint64_t selector, uint16_t attributes) {
  return {0, 0xffffffff, static_cast<uint16_t>(selector), attributes};
}

void enter_kernel(State& s, uint64_t selector, bool code64) {
  set_code_segment(s, flat(selector & 0xfffc, code64 ? flat_code64 : flat_code), 0);
  s.segment[ss] = flat((selector & 0xfffc) + 8, flat_data);
}

void return_to_user(State& s, uint64_t code, uint64_t stack, bool code64) {
  set_code_segment(s, flat(code | 3, (code64 ? flat_code64 : flat_code) | dpl3), 3);
  s.segment[ss] = flat(stack | 3, flat_data | dpl3);
}

uint64_t syscall_enter(ir::ExecContext& context, uint64_t next_rip) {
  Cpu& cpu = Cpu::of(context);
  State& s = cpu.state;
  if (!(s.efer & Efer::sce)) return raise(cpu, vector_ud);
  const uint64_t selector = s.star >> 32 & 0xffff;
  if (!in_long_mode(s)) {
    s.gpr[rcx] = next_rip & 0xffffffff;
    enter_kernel(s, selector, false);
    s.system_flags &= ~(Rflags::if_ | Rflags::vm | Rflags::rf);
    return s.star & 0xffffffff;
  }
  const bool from_64bit = in_64bit_code(s);
  s.gpr[rcx] = next_rip;
  s.gpr[r11] = rflags(s) & ~Rflags::rf;
  enter_kernel(s, selector, true);
  set_rflags(s, (rflags(s) & ~(s.syscall_mask | Rflags::rf)) | Rflags::fixed);
  return from_64bit ? s.lstar : s.cstar;
}

uint64_t syscall_return(ir::ExecContext& context, uint64_t bits) {
  Cpu& cpu = Cpu::of(context);
  State& s = cpu.state;
  if (!(s.efer & Efer::sce)) return raise(cpu, vector_ud);
  if (!is_protected(s) || s.cpl != 0) return raise(cpu, vector_gp, 0);
  const uint64_t selector = s.star >> 48;
  if (!in_long_mode(s)) {
    return_to_user(s, selector, selector + 8, false);
    s.system_flags |= Rflags::if_;
    notice_interrupts(cpu);
    return s.gpr[rcx] & 0xffffffff;
  }
  const bool to_64bit = bits == 64;
  if (to_64bit && !is_canonical(s.gpr[rcx])) return raise(cpu, vector_gp, 0);
  return_to_user(s, to_64bit ? selector + 16 : selector, selector + 8, to_64bit);
  constexpr uint64_t loaded = 0x3c7fd7;
  set_rflags(s, (s.gpr[r11] & loaded & ~Rflags::rf) | Rflags::fixed);
  notice_interrupts(cpu);
  return to_64bit ? s.gpr[rcx] : s.gpr[rcx] & 0xffffffff;
}

uint64_t sysenter(ir::ExecContext& context) {
  Cpu& cpu = Cpu::of(context);
  State& s = cpu.state;
  if (!is_protected(s) || !(s.sysenter_cs & 0xfffc)) return raise(cpu, vector_gp, 0);
  const bool is_long = in_long_mode(s);
  enter_kernel(s, s.sysenter_cs, is_long);
  s.system_flags &= ~(Rflags::vm | Rflags::if_ | Rflags::rf);
  s.gpr[rsp] = is_long ? s.sysenter_esp : s.sysenter_esp & 0xffffffff;
  return is_long ? s.sysenter_eip : s.sysenter_eip & 0xffffffff;
}

uint64_t sysexit(ir::ExecContext& context, uint64_t bits) {
  Cpu& cpu = Cpu::of(context);
  State& s = cpu.state;
  if (!is_protected(s) || s.cpl != 0 || !(s.sysenter_cs & 0xfffc)) return raise(cpu, vector_gp, 0);
  const bool to_64bit = bits == 64;
  if (to_64bit && !(is_canonical(s.gpr[rcx]) && is_canonical(s.gpr[rdx]))) return raise(cpu, vector_gp, 0);
  const uint64_t base = s.sysenter_cs & 0xfffc;
  return_to_user(s, base + (to_64bit ? 32 : 16), base + (to_64bit ? 40 : 24), to_64bit);
  s.gpr[rsp] = to_64bit ? s.gpr[rcx] : s.gpr[rcx] & 0xffffffff;
  return to_64bit ? s.gpr[rdx] : s.gpr[rdx] & 0xffffffff;
}

}  // namespace

namespace helpers {
using ir::Type;
const ir::Helper syscall_enter = define_helper("syscall", x86::syscall_enter, Type::i64, {Type::i64});
const ir::Helper syscall_return = define_helper("sysret", x86::syscall_return, Type::i64, {Type::i8});
const ir::Helper sysenter = define_helper("sysenter", x86::sysenter, Type::i64, {});
const ir::Helper sysexit = define_helper("sysexit", x86::sysexit, Type::i64, {Type::i8});
}  // namespace helpers

}  // namespace strata::isa::x86
