// Interrupt delivery in real, protected and long mode, and what two faults in a row become.
#include "isa/x86/system/interrupts.h"

#include "isa/x86/system/control_bits.h"
#include "isa/x86/system/descriptor.h"
#include "isa/x86/system/linear.h"
#include "isa/x86/system/paging.h"
#include "isa/x86/system/segments.h"
#include "isa/x86/system/stack_frame.h"
#include "isa/x86/system/tss.h"

namespace strata::isa::x86 {
namespace {

bool is_software(const Event& event) {
  return event.type == Event::software_interrupt || event.type == Event::software_exception;
}

/// The error code that names an IDT entry. EXT tells that the program did not ask for it.
uint32_t idt_error(const Event& event) { return event.vector * 8u + 2 + (is_software(event) ? 0 : 1); }

/// The flags as the handler finds them: RF is set for faults, so that an instruction breakpoint is not hit again
/// (SDM vol. 3, 17.3.1.1).
uint32_t pushed_flags(const State& s, const Event& event) {
  uint32_t flags = static_cast<uint32_t>(rflags(s));
  const bool is_trap = event.vector == vector_db || event.vector == vector_bp || event.vector == vector_of;
  if (event.type == Event::exception && !is_trap) flags |= Rflags::rf;
  return flags;
}

bool deliver_real_mode(Cpu& cpu, const Event& event, uint64_t return_rip) {
  State& s = cpu.state;
  const uint32_t at = event.vector * 4u;
  if (at + 3 > s.idtr.limit) return fault(cpu, vector_gp);
  uint32_t vector;
  if (!read_linear(cpu, s.idtr.base + at, vector)) return false;
  StackFrame stack = StackFrame::current(cpu);
  if (!stack.push(rflags(s), 2) || !stack.push(s.segment[cs].selector, 2) || !stack.push(return_rip, 2)) return false;
  stack.commit();
  s.segment[cs] = real_mode_segment(s, cs, static_cast<uint16_t>(vector >> 16));
  s.rip = vector & 0xffff;
  s.system_flags &= ~(Rflags::if_ | Rflags::tf | Rflags::ac | Rflags::rf);
  return true;
}

/// The IDT's gate for the event, checked.
bool read_gate(Cpu& cpu, const Event& event, Descriptor& gate) {
  const State& s = cpu.state;
  const bool wide = in_long_mode(s);
  const uint32_t at = event.vector * (wide ? 16u : 8u);
  if (at + (wide ? 15 : 7) > s.idtr.limit) return fault(cpu, vector_gp, idt_error(event));
  uint64_t words;
  if (!read_linear(cpu, s.idtr.base + at, words)) return false;
  gate = {static_cast<uint32_t>(words), static_cast<uint32_t>(words >> 32), 0};
  if (wide && !read_linear(cpu, s.idtr.base + at + 8, gate.base_high)) return false;

  const bool is_interrupt_gate = gate.type() == type_interrupt_gate32 || gate.type() == type_trap_gate32;
  const bool is_old_gate =
      gate.type() == type_interrupt_gate16 || gate.type() == type_trap_gate16 || gate.type() == type_task_gate;
  if (!gate.is_system() || !(is_interrupt_gate || (is_old_gate && !wide))) {
    return fault(cpu, vector_gp, idt_error(event));
  }
  if (is_software(event) && gate.dpl() < s.cpl) return fault(cpu, vector_gp, idt_error(event));
  if (!gate.present()) return fault(cpu, vector_np, idt_error(event));
  return true;
}

/// The handler's code segment, and the privilege it runs at.
bool read_handler_segment(Cpu& cpu, const Descriptor& gate, const Event& event, Descriptor& code, unsigned& cpl) {
  const State& s = cpu.state;
  const uint32_t ext = is_software(event) ? 0 : 1;
  const Selector selector{gate.gate_selector()};
  if (selector.is_null()) return fault(cpu, vector_gp, ext);
  if (!read_descriptor(cpu, selector, code)) {
    if (cpu.state.event.vector == vector_gp) cpu.state.event.error |= ext;
    return false;
  }
  const uint32_t error = selector.without_rpl() | ext;
  if (!code.is_code() || code.dpl() > s.cpl) return fault(cpu, vector_gp, error);
  if (in_long_mode(s) && (!code.is_long() || code.is_32bit())) return fault(cpu, vector_gp, error);
  if (!code.present()) return fault(cpu, vector_np, error);
  cpl = code.is_conforming() ? s.cpl : code.dpl();
  if (is_vm86(s) && cpl != 0) return fault(cpu, vector_gp, error);
  return true;
}

/// What every handler begins with.
void enter_handler(Cpu& cpu, const Descriptor& gate, const Descriptor& code, unsigned cpl) {
  State& s = cpu.state;
  set_code_segment(s, code.segment(static_cast<uint16_t>((gate.gate_selector() & ~3) | cpl)), cpl);
  uint32_t clear = Rflags::tf | Rflags::nt | Rflags::vm | Rflags::rf;
  if (!(gate.type() & 1)) clear |= Rflags::if_;  // an interrupt gate, no trap gate
  s.system_flags &= ~clear;
}

bool deliver_long_mode(Cpu& cpu, const Event& event, uint64_t return_rip, const Descriptor& gate) {
  State& s = cpu.state;
  Descriptor code;
  unsigned cpl;
  if (!read_handler_segment(cpu, gate, event, code, cpl)) return false;
  uint64_t pointer = s.gpr[rsp];
  if (gate.gate_stack() != 0) {
    if (!read_ist(cpu, gate.gate_stack(), pointer)) return false;
  } else if (cpl < s.cpl) {
    if (!read_rsp(cpu, cpl, pointer)) return false;
  }
  StackFrame stack(cpu, {}, pointer & ~uint64_t{15}, cpl, true);
  bool ok = stack.push(s.segment[ss].selector, 8) && stack.push(s.gpr[rsp], 8) &&
            stack.push(pushed_flags(s, event), 8) && stack.push(s.segment[cs].selector, 8) && stack.push(return_rip, 8);
  if (event.has_error) ok = ok && stack.push(event.error, 8);
  if (!ok || !mark_accessed(cpu, Selector{gate.gate_selector()}, code)) return false;
  if (!is_canonical(gate.gate_offset())) return fault(cpu, vector_gp, 0);
  if (cpl < s.cpl) s.segment[ss] = {0, 0, static_cast<uint16_t>(cpl), static_cast<uint16_t>(cpl << 5)};
  enter_handler(cpu, gate, code, cpl);
  stack.commit();
  s.rip = gate.gate_offset();
  return true;
}

/// The frame that virtual-8086 mode leaves on the inner stack, below the ordinary one.
bool push_vm86_segments(const State& s, StackFrame& stack, unsigned size) {
  for (SegmentName name : {gs, fs, ds, es}) {
    if (!stack.push(s.segment[name].selector, size)) return false;
  }
  return true;
}

bool deliver_protected_mode(Cpu& cpu, const Event& event, uint64_t return_rip, const Descriptor& gate) {
  State& s = cpu.state;
  Descriptor code;
  unsigned cpl;
  if (!read_handler_segment(cpu, gate, event, code, cpl)) return false;
  const unsigned size = gate.type() & 8 ? 4 : 2;
  const bool changes_stack = cpl < s.cpl;
  Segment stack_segment = s.segment[ss];
  uint64_t pointer = s.gpr[rsp];
  if (changes_stack) {
    Selector selector{};
    if (!read_inner_stack(cpu, cpl, selector, pointer)) return false;
    if (!check_stack_segment(cpu, selector, cpl, stack_segment, vector_ts)) return false;
  }
  StackFrame stack(cpu, stack_segment, pointer, cpl, false);
  if (is_vm86(s) && !push_vm86_segments(s, stack, size)) return false;
  if (changes_stack && !(stack.push(s.segment[ss].selector, size) && stack.push(s.gpr[rsp], size))) return false;
  bool ok = stack.push(pushed_flags(s, event), size) && stack.push(s.segment[cs].selector, size) &&
            stack.push(return_rip, size);
  if (event.has_error) ok = ok && stack.push(event.error, size);
  if (!ok || !mark_accessed(cpu, Selector{gate.gate_selector()}, code)) return false;
  const uint64_t target = size == 4 ? gate.gate_offset() : gate.gate_offset() & 0xffff;
  if (target > code.limit()) return fault(cpu, vector_gp, is_software(event) ? 0 : 1);

  if (is_vm86(s)) {
    for (SegmentName name : {es, ds, fs, gs}) s.segment[name] = {0, 0, 0, 0};
  }
  if (changes_stack) s.segment[ss] = stack_segment;
  enter_handler(cpu, gate, code, cpl);
  stack.commit();
  s.rip = target;
  return true;
}

bool deliver_by_task(Cpu& cpu, const Event& event, uint64_t return_rip, const Descriptor& gate) {
  if (!switch_task(cpu, Selector{gate.gate_selector()}, TaskSwitch::interrupt, return_rip)) return false;
  if (!event.has_error) return true;
  StackFrame stack = StackFrame::current(cpu);
  if (!stack.push(event.error, cpu.state.tr.attributes & 8 ? 4 : 2)) return false;
  stack.commit();
  return true;
}

bool is_contributory(const Event& event) {
  return event.type == Event::exception &&
         (event.vector == vector_de || (event.vector >= vector_ts && event.vector <= vector_gp));
}

bool is_page_fault(const Event& event) { return event.type == Event::exception && event.vector == vector_pf; }

/// SDM vol. 3, table 6-5.
bool makes_double_fault(const Event& first, const Event& second) {
  if (is_contributory(first)) return is_contributory(second);
  if (is_page_fault(first)) return is_contributory(second) || is_page_fault(second);
  return false;
}

}  // namespace

bool try_deliver(Cpu& cpu, const Event& event, uint64_t return_rip) {
  State& s = cpu.state;
  if (is_page_fault(event)) s.cr2 = event.address;
  if (!is_protected(s)) return deliver_real_mode(cpu, event, return_rip);
  Descriptor gate;
  if (!read_gate(cpu, event, gate)) return false;
  if (gate.type() == type_task_gate) return deliver_by_task(cpu, event, return_rip, gate);
  return in_long_mode(s) ? deliver_long_mode(cpu, event, return_rip, gate)
                         : deliver_protected_mode(cpu, event, return_rip, gate);
}

Next deliver(Cpu& cpu, Event event, uint64_t return_rip) {
  State& s = cpu.state;
  s.interrupt_shadow = 0;
  s.halted = false;
  for (;;) {
    s.event.type = Event::none;
    if (try_deliver(cpu, event, return_rip)) {
      s.event.type = Event::none;
      cpu.stepping = false;  // an instruction that faults has not been stepped over
      cpu.data_breakpoints = 0;
      return Next::run;
    }
    const Event second = s.event;
    if (event.type == Event::exception && event.vector == vector_df) return Next::shutdown;
    return_rip = s.rip;
    event = makes_double_fault(event, second) ? Event{Event::exception, vector_df, true, 0, 0} : second;
  }
}

}  // namespace strata::isa::x86
