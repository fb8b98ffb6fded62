// Loading segment registers (SDM vol. 3, 3.4 and 5.5).
#pragma once

#include "isa/x86/cpu.h"
#include "isa/x86/system/descriptor.h"

namespace strata::isa::x86 {

/// Loads DS, ES, FS, GS or SS as MOV does, in whatever mode. False: fault recorded, nothing changed.
bool load_data_segment(Cpu& cpu, SegmentName name, Selector selector);

/// Checks a stack segment for privilege level `cpl` and gives it loaded. `vector` is raised with the selector where it
/// is wrong, #SS where it is not present.
bool check_stack_segment(Cpu& cpu, Selector selector, unsigned cpl, Segment& out, uint8_t vector);

/// A segment register as real and virtual-8086 mode load it: base is selector × 16.
Segment real_mode_segment(const State& state, SegmentName name, uint16_t selector);

/// Checks a code segment as the target of a transfer that keeps the privilege level (far JMP and CALL), and gives it
/// loaded with RPL = CPL.
bool check_code_segment(Cpu& cpu, Selector selector, Descriptor descriptor, Segment& out);

/// Sets CS, and what follows from it: CPL.
void set_code_segment(State& state, const Segment& segment, unsigned cpl);

/// Whether an offset is inside CS's limit, or canonical in 64-bit code; #GP(0) otherwise.
bool check_target(Cpu& cpu, const Segment& code, uint64_t offset);

/// LLDT and LTR.
bool load_ldtr(Cpu& cpu, Selector selector);
bool load_tr(Cpu& cpu, Selector selector);

/// The stack's width in bytes of address: 2, 4 or 8.
unsigned stack_address_size(const State& state);

}  // namespace strata::isa::x86
