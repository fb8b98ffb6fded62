// The helpers of far transfers, software interrupts and segment loads.
#include "isa/x86/helpers/define.h"
#include "isa/x86/system/helpers.h"

#include "isa/x86/mode.h"
#include "isa/x86/system/control_bits.h"
#include "isa/x86/system/interrupts.h"
#include "isa/x86/system/segments.h"
#include "isa/x86/system/transfers.h"

namespace strata::isa::x86 {
namespace {

Selector selector_of(uint64_t word) { return Selector{static_cast<uint16_t>(word)}; }

/// The rip to go on at, where a transfer has set it; and whatever interrupt the new flags let through.
uint64_t finish(Cpu& cpu, bool done) {
  if (!done) return leave(cpu);
  notice_interrupts(cpu);
  return cpu.state.rip;
}

uint64_t load_segment(ir::ExecContext& context, uint64_t name, uint64_t selector) {
  Cpu& cpu = Cpu::of(context);
  const uint64_t mode = Mode::packed(cpu.state);
  if (!load_data_segment(cpu, static_cast<SegmentName>(name), selector_of(selector))) leave(cpu);
  return Mode::packed(cpu.state) != mode;
}

uint64_t far_jump_helper(ir::ExecContext& context, uint64_t selector, uint64_t offset) {
  Cpu& cpu = Cpu::of(context);
  return finish(cpu, far_jump(cpu, selector_of(selector), offset, cpu.state.rip));
}

uint64_t far_call_helper(ir::ExecContext& context, uint64_t selector, uint64_t offset, uint64_t bits,
                         uint64_t next_rip) {
  Cpu& cpu = Cpu::of(context);
  return finish(cpu, far_call(cpu, selector_of(selector), offset, static_cast<unsigned>(bits), next_rip));
}

uint64_t far_return_helper(ir::ExecContext& context, uint64_t bits, uint64_t release) {
  Cpu& cpu = Cpu::of(context);
  return finish(cpu, far_return(cpu, static_cast<unsigned>(bits), static_cast<uint16_t>(release)));
}

uint64_t interrupt_return_helper(ir::ExecContext& context, uint64_t bits) {
  Cpu& cpu = Cpu::of(context);
  return finish(cpu, interrupt_return(cpu, static_cast<unsigned>(bits)));
}

uint64_t software_interrupt_helper(ir::ExecContext& context, uint64_t vector, uint64_t next_rip, uint64_t opcode) {
  Cpu& cpu = Cpu::of(context);
  State& s = cpu.state;
  // Only INT n obeys IOPL in virtual-8086 mode (SDM vol. 3, 20.2.7); INT3 and INTO go through the gate's DPL.
  if (opcode == 0xcd && is_vm86(s) && (s.system_flags & Rflags::iopl) != Rflags::iopl) return raise(cpu, vector_gp, 0);
  const auto type = opcode == 0xcd   ? Event::software_interrupt
                    : opcode == 0xf1 ? Event::exception
                                     : Event::software_exception;
  const Event event{type, static_cast<uint8_t>(vector), false, 0, 0};
  return finish(cpu, try_deliver(cpu, event, next_rip));
}

}  // namespace

namespace helpers {
using ir::Type;
const ir::Helper load_segment = define_helper("load_segment", x86::load_segment, Type::i8, {Type::i8, Type::i16});
const ir::Helper far_jump = define_helper("far_jump", far_jump_helper, Type::i64, {Type::i16, Type::i64});
const ir::Helper far_call =
    define_helper("far_call", far_call_helper, Type::i64, {Type::i16, Type::i64, Type::i8, Type::i64});
const ir::Helper far_return = define_helper("far_return", far_return_helper, Type::i64, {Type::i8, Type::i16});
const ir::Helper interrupt_return = define_helper("iret", interrupt_return_helper, Type::i64, {Type::i8});
const ir::Helper software_interrupt =
    define_helper("software_interrupt", software_interrupt_helper, Type::i64, {Type::i8, Type::i64, Type::i8});
}  // namespace helpers

}  // namespace strata::isa::x86
