// A stack on which system code builds or takes apart frames, before anything of the processor's state changes.
#pragma once

#include "isa/x86/cpu.h"
#include "isa/x86/system/descriptor.h"

namespace strata::isa::x86 {

/// Pushes and pops go to memory at once; the stack pointer is the frame's own until commit.
class StackFrame {
 public:
  /// `cpl` is the privilege with which the stack is accessed; `long_stack`: 64-bit, no base and no limit.
  StackFrame(Cpu& cpu, const Segment& segment, uint64_t pointer, unsigned cpl, bool long_stack);

  /// The stack in use now.
  static StackFrame current(Cpu& cpu);

  // False: #SS or a page fault is recorded.
  bool push(uint64_t value, unsigned size);
  bool pop(unsigned size, uint64_t& value);
  void release(uint64_t bytes) { pointer_ = advance(pointer_, bytes); }

  uint64_t pointer() const { return pointer_; }
  /// RSP := pointer, or its low part as the stack's width demands.
  void commit() const;

 private:
  uint64_t advance(uint64_t pointer, uint64_t by) const;
  bool address_of(uint64_t pointer, unsigned size, uint64_t& linear);

  Cpu& cpu_;
  Segment segment_;
  uint64_t pointer_;
  unsigned cpl_;
  bool long_;
};

/// Whether [offset, offset + size) is inside a data segment's limit, expand-down considered.
bool inside_limit(const Segment& segment, uint64_t offset, unsigned size);

}  // namespace strata::isa::x86
