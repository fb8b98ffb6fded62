// Loading segment registers, the task register and the LDT.
#include "isa/x86/system/segments.h"

#include "isa/x86/system/control_bits.h"
#include "isa/x86/system/linear.h"
#include "isa/x86/system/paging.h"

namespace strata::isa::x86 {
namespace {

/// A null selector makes SS usable only in 64-bit code below CPL 3, where segments do not matter.
bool load_null(Cpu& cpu, SegmentName name, Selector selector) {
  State& s = cpu.state;
  if (name == ss && (!in_64bit_code(s) || s.cpl == 3 || selector.rpl() != s.cpl)) return fault(cpu, vector_gp, 0);
  s.segment[name] = {0, 0, selector.value, 0};
  if (name == ss) s.segment[ss].attributes = static_cast<uint16_t>(s.cpl << 5);
  return true;
}

bool load_data_or_readable_code(Cpu& cpu, SegmentName name, Selector selector) {
  State& s = cpu.state;
  Descriptor d;
  if (!read_descriptor(cpu, selector, d)) return false;
  const uint16_t error = selector.without_rpl();
  if (!d.is_readable()) return fault(cpu, vector_gp, error);
  if (!d.is_conforming() && (selector.rpl() > d.dpl() || s.cpl > d.dpl())) return fault(cpu, vector_gp, error);
  if (!d.present()) return fault(cpu, vector_np, error);
  if (!mark_accessed(cpu, selector, d)) return false;
  s.segment[name] = d.segment(selector.value);
  return true;
}

}  // namespace

Segment real_mode_segment(const State& state, SegmentName name, uint16_t selector) {
  if (is_vm86(state)) return {uint64_t{selector} << 4, 0xffff, selector, 0xf3};
  Segment segment = state.segment[name];  // limit and attributes stay, as "unreal" mode wants
  segment.base = uint64_t{selector} << 4;
  segment.selector = selector;
  return segment;
}

bool check_stack_segment(Cpu& cpu, Selector selector, unsigned cpl, Segment& out, uint8_t vector) {
  const uint16_t error = selector.without_rpl();
  if (selector.is_null()) return fault(cpu, vector, vector == vector_gp ? 0 : error);
  Descriptor d;
  if (!read_descriptor(cpu, selector, d, vector)) return false;
  if (selector.rpl() != cpl || d.dpl() != cpl || !d.is_writable_data()) return fault(cpu, vector, error);
  if (!d.present()) return fault(cpu, vector_ss, error);
  if (!mark_accessed(cpu, selector, d)) return false;
  out = d.segment(selector.value);
  return true;
}

bool load_data_segment(Cpu& cpu, SegmentName name, Selector selector) {
  State& s = cpu.state;
  if (!uses_descriptors(s)) {
    s.segment[name] = real_mode_segment(s, name, selector.value);
    return true;
  }
  if (selector.is_null()) return load_null(cpu, name, selector);
  if (name != ss) return load_data_or_readable_code(cpu, name, selector);
  return check_stack_segment(cpu, selector, s.cpl, s.segment[ss], vector_gp);
}

bool check_code_segment(Cpu& cpu, Selector selector, Descriptor descriptor, Segment& out) {
  const State& s = cpu.state;
  const uint16_t error = selector.without_rpl();
  if (!descriptor.is_code()) return fault(cpu, vector_gp, error);
  if (descriptor.is_conforming()) {
    if (descriptor.dpl() > s.cpl) return fault(cpu, vector_gp, error);
  } else if (selector.rpl() > s.cpl || descriptor.dpl() != s.cpl) {
    return fault(cpu, vector_gp, error);
  }
  if (in_long_mode(s) && descriptor.is_long() && descriptor.is_32bit()) return fault(cpu, vector_gp, error);
  if (!descriptor.present()) return fault(cpu, vector_np, error);
  if (!mark_accessed(cpu, selector, descriptor)) return false;
  out = descriptor.segment(static_cast<uint16_t>(selector.without_rpl() | s.cpl));
  return true;
}

void set_code_segment(State& state, const Segment& segment, unsigned cpl) {
  state.segment[cs] = segment;
  state.cpl = static_cast<uint8_t>(cpl);
}

bool check_target(Cpu& cpu, const Segment& code, uint64_t offset) {
  const bool in_64bit = in_long_mode(cpu.state) && (code.attributes & SegmentAttribute::long_);
  if (in_64bit ? is_canonical(offset) : offset <= code.limit) return true;
  return fault(cpu, vector_gp, 0);
}

bool load_ldtr(Cpu& cpu, Selector selector) {
  State& s = cpu.state;
  if (selector.is_null()) {
    s.ldtr = {0, 0, selector.value, 0};
    return true;
  }
  const uint16_t error = selector.without_rpl();
  if (selector.in_ldt()) return fault(cpu, vector_gp, error);
  Descriptor d;
  if (!read_descriptor(cpu, selector, d, vector_gp, in_long_mode(s))) return false;
  if (!d.is_system() || d.type() != type_ldt) return fault(cpu, vector_gp, error);
  if (!d.present()) return fault(cpu, vector_np, error);
  if (!is_canonical(d.base())) return fault(cpu, vector_gp, error);
  s.ldtr = d.segment(selector.value);
  return true;
}

bool load_tr(Cpu& cpu, Selector selector) {
  State& s = cpu.state;
  const uint16_t error = selector.without_rpl();
  if (selector.is_null()) return fault(cpu, vector_gp, 0);
  if (selector.in_ldt()) return fault(cpu, vector_gp, error);
  Descriptor d;
  if (!read_descriptor(cpu, selector, d, vector_gp, in_long_mode(s))) return false;
  const bool is_tss =
      d.is_system() && (d.type() == type_tss32_available || (d.type() == type_tss16_available && !in_long_mode(s)));
  if (!is_tss) return fault(cpu, vector_gp, error);
  if (!d.present()) return fault(cpu, vector_np, error);
  if (!is_canonical(d.base())) return fault(cpu, vector_gp, error);
  constexpr uint32_t busy = 2u << 8;
  if (!mark_descriptor(cpu, selector, d, busy)) return false;
  d.high |= busy;
  s.tr = d.segment(selector.value);
  return true;
}

unsigned stack_address_size(const State& state) {
  if (in_64bit_code(state)) return 8;
  return state.segment[ss].attributes & SegmentAttribute::big ? 4 : 2;
}

}  // namespace strata::isa::x86
