// Far RET and IRET, to the same and to outer privilege levels, to virtual-8086 mode and to the task before.
#include "isa/x86/system/control_bits.h"
#include "isa/x86/system/interrupts.h"
#include "isa/x86/system/linear.h"
#include "isa/x86/system/segments.h"
#include "isa/x86/system/stack_frame.h"
#include "isa/x86/system/transfers.h"
#include "isa/x86/system/tss.h"

namespace strata::isa::x86 {
namespace {

/// Checks the code segment that a return goes to.
bool check_return_segment(Cpu& cpu, Selector selector, uint64_t rip, Segment& out) {
  const State& s = cpu.state;
  const uint16_t error = selector.without_rpl();
  if (selector.is_null()) return fault(cpu, vector_gp, 0);
  Descriptor d;
  if (!read_descriptor(cpu, selector, d)) return false;
  if (!d.is_code() || selector.rpl() < s.cpl) return fault(cpu, vector_gp, error);
  const bool fits = d.is_conforming() ? d.dpl() <= selector.rpl() : d.dpl() == selector.rpl();
  if (!fits || (in_long_mode(s) && d.is_long() && d.is_32bit())) return fault(cpu, vector_gp, error);
  if (!d.present()) return fault(cpu, vector_np, error);
  if (!mark_accessed(cpu, selector, d)) return false;
  out = d.segment(selector.value);
  return check_target(cpu, out, rip);
}

/// SS as a return to an outer level loads it: in long mode a null selector will do for 64-bit code below CPL 3.
bool check_outer_stack(Cpu& cpu, Selector selector, const Segment& code, unsigned cpl, Segment& out) {
  const bool to_64bit = in_long_mode(cpu.state) && (code.attributes & SegmentAttribute::long_);
  if (selector.is_null() && to_64bit && cpl != 3 && selector.rpl() == cpl) {
    out = {0, 0, selector.value, static_cast<uint16_t>(cpl << 5)};
    return true;
  }
  return check_stack_segment(cpu, selector, cpl, out, vector_gp);
}

/// Data segments that the outer level may not use become null. Those that are null already stay as they are: in long
/// mode FS and GS have their bases all the same.
void drop_inner_segments(State& s) {
  for (SegmentName name : {es, ds, fs, gs}) {
    Segment& segment = s.segment[name];
    if (Selector{segment.selector}.is_null()) continue;
    const bool conforming = (segment.attributes & (SegmentAttribute::code | SegmentAttribute::conforming)) ==
                            (SegmentAttribute::code | SegmentAttribute::conforming);
    if (!conforming && dpl_of(segment) < s.cpl) segment = {0, 0, 0, 0};
  }
}

/// RSP as the program finds it on its own stack.
void set_outer_pointer(State& s, uint64_t pointer, unsigned size) {
  if (size == 8) {
    s.gpr[rsp] = pointer;
  } else if (s.segment[ss].attributes & SegmentAttribute::big) {
    s.gpr[rsp] = pointer & 0xffffffff;
  } else {
    s.gpr[rsp] = (s.gpr[rsp] & ~uint64_t{0xffff}) | (pointer & 0xffff);
  }
}

/// The flags that IRET may change at this privilege (SDM vol. 2, IRET).
uint32_t changeable_flags(const State& s, unsigned size) {
  uint64_t mask = Rflags::arithmetic | Rflags::tf | Rflags::df | Rflags::nt;
  if (size >= 4) mask |= Rflags::rf | Rflags::ac | Rflags::id;
  const unsigned iopl = s.system_flags >> 12 & 3;
  if (s.cpl <= iopl) mask |= Rflags::if_;
  if (s.cpl == 0) mask |= Rflags::iopl | (size >= 4 ? Rflags::vif | Rflags::vip : 0);
  return static_cast<uint32_t>(mask);
}

void load_flags(State& s, uint64_t value, uint32_t mask) {
  // RF only matters to breakpoints; any instruction that is done clears it, so it is not kept where none is set.
  if (!(s.dr[7] & 0xff)) value &= ~Rflags::rf;
  set_rflags(s, (rflags(s) & ~uint64_t{mask}) | (value & mask));
}

bool return_real_mode(Cpu& cpu, unsigned size, bool with_flags, uint16_t release) {
  State& s = cpu.state;
  StackFrame stack = StackFrame::current(cpu);
  uint64_t rip, selector, flags = 0;
  if (!stack.pop(size, rip) || !stack.pop(size, selector)) return false;
  if (with_flags && !stack.pop(size, flags)) return false;
  const Segment target = real_mode_segment(s, cs, static_cast<uint16_t>(selector));
  if (!check_target(cpu, target, rip)) return false;
  if (with_flags) {
    uint32_t mask = changeable_flags(s, size);
    if (is_vm86(s)) mask = (mask & ~static_cast<uint32_t>(Rflags::iopl)) | static_cast<uint32_t>(Rflags::if_);
    load_flags(s, flags, mask);
  }
  stack.release(release);
  stack.commit();
  s.segment[cs] = target;
  s.rip = rip;
  return true;
}

/// IRET from CPL 0 to virtual-8086 mode; EIP, CS and EFLAGS have been popped.
bool return_to_vm86(Cpu& cpu, StackFrame& stack, uint64_t rip, uint64_t code, uint64_t flags) {
  State& s = cpu.state;
  uint64_t pointer, selector[6] = {};
  selector[cs] = code;
  if (!stack.pop(4, pointer)) return false;
  for (SegmentName name : {ss, es, ds, fs, gs}) {
    if (!stack.pop(4, selector[name])) return false;
  }
  if (rip > 0xffff) return fault(cpu, vector_gp, 0);
  set_rflags(s, (flags & 0x3f7fd7) | Rflags::fixed);
  s.cpl = 3;
  for (unsigned i = 0; i < 6; i++) {
    s.segment[i] = real_mode_segment(s, static_cast<SegmentName>(i), static_cast<uint16_t>(selector[i]));
  }
  s.gpr[rsp] = pointer;
  s.rip = rip;
  return true;
}

bool return_from_task(Cpu& cpu) {
  uint16_t link;
  if (!read_linear(cpu, cpu.state.tr.base, link)) return false;
  return switch_task(cpu, Selector{link}, TaskSwitch::return_, cpu.state.rip);
}

/// What far RET and IRET have in common once RIP, CS and perhaps flags are popped.
bool finish_return(Cpu& cpu, StackFrame& stack, uint64_t rip, Selector selector, unsigned size, uint16_t release,
                   bool always_pop_stack) {
  State& s = cpu.state;
  Segment code;
  if (!check_return_segment(cpu, selector, rip, code)) return false;
  const unsigned cpl = selector.rpl();
  const bool outward = cpl > s.cpl;
  stack.release(release);
  if (outward || always_pop_stack) {
    uint64_t pointer, stack_selector;
    if (!stack.pop(size, pointer) || !stack.pop(size, stack_selector)) return false;
    Segment segment;
    if (!check_outer_stack(cpu, Selector{static_cast<uint16_t>(stack_selector)}, code, cpl, segment)) return false;
    set_code_segment(s, code, cpl);
    s.segment[ss] = segment;
    const bool to_64bit = in_64bit_code(s);
    set_outer_pointer(s, pointer + release * (outward ? 1u : 0u), to_64bit ? 8 : size == 8 ? 4 : size);
    if (outward) drop_inner_segments(s);
  } else {
    set_code_segment(s, code, cpl);
    stack.commit();
  }
  s.rip = rip;
  return true;
}

}  // namespace

bool far_return(Cpu& cpu, unsigned bits, uint16_t release) {
  const unsigned size = bits / 8;
  if (!uses_descriptors(cpu.state)) return return_real_mode(cpu, size, false, release);
  StackFrame stack = StackFrame::current(cpu);
  uint64_t rip, selector;
  if (!stack.pop(size, rip) || !stack.pop(size, selector)) return false;
  return finish_return(cpu, stack, rip, Selector{static_cast<uint16_t>(selector)}, size, release, false);
}

bool interrupt_return(Cpu& cpu, unsigned bits) {
  State& s = cpu.state;
  const unsigned size = bits / 8;
  s.nmi_blocked = false;
  if (cpu.signals.has_nmi()) cpu.context->events |= ir::event_interrupt;  // it comes behind this instruction
  if (is_vm86(s) && (s.system_flags & Rflags::iopl) != Rflags::iopl) return fault(cpu, vector_gp, 0);
  if (!uses_descriptors(s)) return return_real_mode(cpu, size, true, 0);
  if (s.system_flags & Rflags::nt) return in_long_mode(s) ? fault(cpu, vector_gp, 0) : return_from_task(cpu);
  StackFrame stack = StackFrame::current(cpu);
  uint64_t rip, selector, flags;
  if (!stack.pop(size, rip) || !stack.pop(size, selector) || !stack.pop(size, flags)) return false;
  if ((flags & Rflags::vm) && size == 4 && s.cpl == 0 && !in_long_mode(s)) {
    return return_to_vm86(cpu, stack, rip, selector, flags);
  }
  const uint32_t mask = changeable_flags(s, size);  // by the privilege from which it returns
  const bool from_64bit = in_64bit_code(s);
  if (!finish_return(cpu, stack, rip, Selector{static_cast<uint16_t>(selector)}, size, 0, from_64bit)) return false;
  load_flags(s, flags, mask);
  return true;
}

}  // namespace strata::isa::x86
