// Far JMP and CALL: direct, through call gates, to tasks.
#include "isa/x86/system/linear.h"
#include "isa/x86/system/segments.h"
#include "isa/x86/system/stack_frame.h"
#include "isa/x86/system/transfers.h"
#include "isa/x86/system/tss.h"

namespace strata::isa::x86 {
namespace {

constexpr unsigned no_bits = 0;  ///< a jump: nothing is pushed

bool push_return_address(Cpu& cpu, StackFrame& stack, unsigned bits, uint64_t next_rip) {
  return stack.push(cpu.state.segment[cs].selector, bits / 8) && stack.push(next_rip, bits / 8);
}

bool far_real_mode(Cpu& cpu, Selector selector, uint64_t offset, unsigned bits, uint64_t next_rip) {
  State& s = cpu.state;
  const Segment target = real_mode_segment(s, cs, selector.value);
  if (!check_target(cpu, target, offset)) return false;
  if (bits != no_bits) {
    StackFrame stack = StackFrame::current(cpu);
    if (!push_return_address(cpu, stack, bits, next_rip)) return false;
    stack.commit();
  }
  s.segment[cs] = target;
  s.rip = offset;
  return true;
}

bool to_code_segment(Cpu& cpu, Selector selector, const Descriptor& d, uint64_t offset, unsigned bits,
                     uint64_t next_rip) {
  State& s = cpu.state;
  Segment target;
  if (!check_code_segment(cpu, selector, d, target)) return false;
  if (!(in_long_mode(s) && d.is_long())) offset &= 0xffffffff;
  if (!check_target(cpu, target, offset)) return false;
  if (bits != no_bits) {
    StackFrame stack = StackFrame::current(cpu);
    if (!push_return_address(cpu, stack, bits, next_rip)) return false;
    stack.commit();
  }
  set_code_segment(s, target, s.cpl);
  s.rip = offset;
  return true;
}

/// Copies a call gate's parameters from the outer stack.
bool copy_parameters(Cpu& cpu, StackFrame& to, unsigned count, unsigned size) {
  uint64_t parameters[31];
  StackFrame from = StackFrame::current(cpu);
  for (unsigned i = 0; i < count; i++) {
    if (!from.pop(size, parameters[i])) return false;
  }
  while (count > 0) {
    if (!to.push(parameters[--count], size)) return false;
  }
  return true;
}

/// The stack of the inner level that a gate leads to.
bool inner_stack(Cpu& cpu, unsigned cpl, Segment& segment, uint64_t& pointer) {
  if (in_long_mode(cpu.state)) {
    segment = {0, 0, static_cast<uint16_t>(cpl), static_cast<uint16_t>(cpl << 5)};
    return read_rsp(cpu, cpl, pointer);
  }
  Selector selector{};
  return read_inner_stack(cpu, cpl, selector, pointer) && check_stack_segment(cpu, selector, cpl, segment, vector_ts);
}

bool call_inner_level(Cpu& cpu, const Descriptor& gate, const Descriptor& code, uint64_t next_rip) {
  State& s = cpu.state;
  const bool is_long = in_long_mode(s);
  const unsigned size = is_long ? 8 : gate.type() & 8 ? 4 : 2;
  const unsigned cpl = code.dpl();
  Segment segment;
  uint64_t pointer;
  if (!inner_stack(cpu, cpl, segment, pointer)) return false;
  StackFrame stack(cpu, segment, pointer, cpl, is_long);
  if (!stack.push(s.segment[ss].selector, size) || !stack.push(s.gpr[rsp], size)) return false;
  if (!is_long && !copy_parameters(cpu, stack, gate.gate_parameters(), size)) return false;
  if (!push_return_address(cpu, stack, size * 8, next_rip)) return false;
  s.segment[ss] = segment;
  set_code_segment(s, code.segment(static_cast<uint16_t>((gate.gate_selector() & ~3) | cpl)), cpl);
  stack.commit();
  return true;
}

bool through_call_gate(Cpu& cpu, Selector gate_selector, Descriptor gate, unsigned bits, uint64_t next_rip) {
  State& s = cpu.state;
  const uint16_t gate_error = gate_selector.without_rpl();
  const bool is_long = in_long_mode(s);
  if (gate.dpl() < s.cpl || gate.dpl() < gate_selector.rpl()) return fault(cpu, vector_gp, gate_error);
  if (!gate.present()) return fault(cpu, vector_np, gate_error);
  if (is_long && !read_descriptor(cpu, gate_selector, gate, vector_gp, true)) return false;

  const Selector selector{gate.gate_selector()};
  const uint16_t error = selector.without_rpl();
  Descriptor code;
  if (selector.is_null()) return fault(cpu, vector_gp, 0);
  if (!read_descriptor(cpu, selector, code)) return false;
  if (!code.is_code() || code.dpl() > s.cpl) return fault(cpu, vector_gp, error);
  if (is_long && (!code.is_long() || code.is_32bit())) return fault(cpu, vector_gp, error);
  const bool inward = !code.is_conforming() && code.dpl() < s.cpl;
  if (bits == no_bits && inward) return fault(cpu, vector_gp, error);
  if (!code.present()) return fault(cpu, vector_np, error);
  if (!mark_accessed(cpu, selector, code)) return false;

  const uint64_t offset = is_long || (gate.type() & 8) ? gate.gate_offset() : gate.gate_offset() & 0xffff;
  const Segment target = code.segment(static_cast<uint16_t>(error | s.cpl));
  if (!check_target(cpu, target, offset)) return false;
  if (inward) {
    if (!call_inner_level(cpu, gate, code, next_rip)) return false;
  } else {
    const unsigned gate_bits = is_long ? 64 : gate.type() & 8 ? 32 : 16;
    if (bits != no_bits) {
      StackFrame stack = StackFrame::current(cpu);
      if (!push_return_address(cpu, stack, gate_bits, next_rip)) return false;
      stack.commit();
    }
    set_code_segment(s, target, s.cpl);
  }
  s.rip = offset;
  return true;
}

bool to_task(Cpu& cpu, Selector selector, const Descriptor& d, unsigned bits, uint64_t next_rip) {
  const State& s = cpu.state;
  const uint16_t error = selector.without_rpl();
  if (d.dpl() < s.cpl || d.dpl() < selector.rpl()) return fault(cpu, vector_gp, error);
  if (!d.present()) return fault(cpu, vector_np, error);
  const Selector tss{d.type() == type_task_gate ? d.gate_selector() : selector.value};
  return switch_task(cpu, tss, bits == no_bits ? TaskSwitch::jump : TaskSwitch::call, next_rip);
}

bool far_transfer(Cpu& cpu, Selector selector, uint64_t offset, unsigned bits, uint64_t next_rip) {
  const State& s = cpu.state;
  if (!uses_descriptors(s)) return far_real_mode(cpu, selector, offset, bits, next_rip);
  if (selector.is_null()) return fault(cpu, vector_gp, 0);
  Descriptor d;
  if (!read_descriptor(cpu, selector, d)) return false;
  if (!d.is_system()) return to_code_segment(cpu, selector, d, offset, bits, next_rip);
  const bool is_long = in_long_mode(s);
  if (d.type() == type_call_gate32 || (d.type() == type_call_gate16 && !is_long)) {
    return through_call_gate(cpu, selector, d, bits, next_rip);
  }
  const bool is_task = d.type() == type_task_gate || (d.type() & 5) == 1;
  if (is_task && !is_long) return to_task(cpu, selector, d, bits, next_rip);
  return fault(cpu, vector_gp, selector.without_rpl());
}

}  // namespace

bool far_jump(Cpu& cpu, Selector selector, uint64_t offset, uint64_t next_rip) {
  return far_transfer(cpu, selector, offset, no_bits, next_rip);
}

bool far_call(Cpu& cpu, Selector selector, uint64_t offset, unsigned bits, uint64_t next_rip) {
  return far_transfer(cpu, selector, offset, bits, next_rip);
}

}  // namespace strata::isa::x86
