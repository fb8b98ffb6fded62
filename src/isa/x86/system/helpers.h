// The system instructions' helpers: what the translator calls where an instruction is more than arithmetic.
#pragma once

#include "ir/unit.h"

namespace strata::isa::x86::helpers {

// All are of effect may_exit unless said: they raise the instruction's exceptions, with the state as before it.
// "-> rip" ones give the new rip, which the translator hands to exit_indirect: mode, privilege and code segment may
// have changed. Others that change the mode say so; the translator ends the unit behind them (end_after_this).

// Segments. load_segment(i8 SegmentName, i16 selector) -> i8: MOV, POP, LDS …; not for CS. Gives whether the mode has
// changed.
extern const ir::Helper load_segment;

// Transfers. `bits` is the operand size.
extern const ir::Helper far_jump;            // (i16 selector, i64 offset) -> rip
extern const ir::Helper far_call;            // (i16 selector, i64 offset, i8 bits, i64 next_rip) -> rip
extern const ir::Helper far_return;          // (i8 bits, i16 bytes to release) -> rip
extern const ir::Helper interrupt_return;    // (i8 bits) -> rip
extern const ir::Helper software_interrupt;  // (i8 vector, i64 next_rip, i8 opcode: CD CC CE or F1) -> rip
extern const ir::Helper syscall_enter;       // (i64 next_rip) -> rip
extern const ir::Helper syscall_return;      // (i8 bits) -> rip
extern const ir::Helper sysenter;            // () -> rip
extern const ir::Helper sysexit;             // (i8 bits) -> rip

// Flags. write_flags(i64 value, i8 bits): POPF with its privilege rules; changes the mode. read_flags() -> i64 is what
// PUSHF stores (RF and VM clear); it raises #GP in virtual-8086 mode with IOPL < 3.
extern const ir::Helper read_flags;
extern const ir::Helper write_flags;
extern const ir::Helper set_interrupt_flag;  // (i8 value): CLI and STI; STI begins an interrupt shadow

// Ports, with IOPL and the TSS's bitmap. `size` is 1, 2 or 4. check_port before the memory access of INS and OUTS.
extern const ir::Helper check_port;  // (i16 port, i8 size)
extern const ir::Helper port_in;     // (i16 port, i8 size) -> i32
extern const ir::Helper port_out;    // (i16 port, i8 size, i32 value)

extern const ir::Helper pause;  // (): PAUSE of a machine with several processors; raises nothing

// Stepping. single_step(): a unit under Mode::trap begins with it; #DB follows behind the instruction.
extern const ir::Helper single_step;
// check_breakpoint(i64 linear): a unit under Mode::breakpoints begins with it; #DB before the instruction.
extern const ir::Helper check_breakpoint;

}  // namespace strata::isa::x86::helpers
