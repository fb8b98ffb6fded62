// Pushing and popping frames on any stack.
#include "isa/x86/system/stack_frame.h"

#include "isa/x86/system/linear.h"
#include "isa/x86/system/paging.h"

namespace strata::isa::x86 {

bool inside_limit(const Segment& segment, uint64_t offset, unsigned size) {
  const uint64_t last = offset + size - 1;
  const bool expands_down =
      (segment.attributes & (SegmentAttribute::code | SegmentAttribute::expand_down)) == SegmentAttribute::expand_down;
  if (!expands_down) return last <= segment.limit;
  const uint64_t top = segment.attributes & SegmentAttribute::big ? 0xffffffff : 0xffff;
  return offset > segment.limit && last <= top;
}

StackFrame::StackFrame(Cpu& cpu, const Segment& segment, uint64_t pointer, unsigned cpl, bool long_stack)
    : cpu_(cpu), segment_(segment), pointer_(pointer), cpl_(cpl), long_(long_stack) {}

StackFrame StackFrame::current(Cpu& cpu) {
  const State& s = cpu.state;
  return {cpu, s.segment[ss], s.gpr[rsp], s.cpl, in_64bit_code(s)};
}

uint64_t StackFrame::advance(uint64_t pointer, uint64_t by) const {
  if (long_) return pointer + by;
  if (segment_.attributes & SegmentAttribute::big) return (pointer + by) & 0xffffffff;
  return (pointer & ~uint64_t{0xffff}) | ((pointer + by) & 0xffff);
}

bool StackFrame::address_of(uint64_t pointer, unsigned size, uint64_t& linear) {
  if (long_) {
    linear = pointer;
    return is_canonical(pointer) || fault(cpu_, vector_ss, 0);
  }
  const uint64_t offset = segment_.attributes & SegmentAttribute::big ? pointer & 0xffffffff : pointer & 0xffff;
  if (!inside_limit(segment_, offset, size)) return fault(cpu_, vector_ss, 0);
  linear = (segment_.base + offset) & 0xffffffff;
  return true;
}

bool StackFrame::push(uint64_t value, unsigned size) {
  const uint64_t next = advance(pointer_, -uint64_t{size});
  uint64_t linear;
  if (!address_of(next, size, linear)) return false;
  if (!write_linear(cpu_, linear, size, value, cpl_ == 3 ? space_user : space_supervisor)) return false;
  pointer_ = next;
  return true;
}

bool StackFrame::pop(unsigned size, uint64_t& value) {
  uint64_t linear;
  if (!address_of(pointer_, size, linear)) return false;
  if (!read_linear(cpu_, linear, size, value, cpl_ == 3 ? space_user : space_supervisor)) return false;
  pointer_ = advance(pointer_, size);
  return true;
}

void StackFrame::commit() const {
  uint64_t& sp = cpu_.state.gpr[rsp];
  if (long_) {
    sp = pointer_;
  } else if (segment_.attributes & SegmentAttribute::big) {
    sp = pointer_ & 0xffffffff;
  } else {
    sp = (sp & ~uint64_t{0xffff}) | (pointer_ & 0xffff);
  }
}

}  // namespace strata::isa::x86
