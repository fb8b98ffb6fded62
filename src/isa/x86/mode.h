// The mode: everything besides the code bytes that a translation depends on, packed into CodeKey::mode.
#pragma once

#include <cstdint>

#include "ir/runtime.h"
#include "isa/x86/state.h"

namespace strata::isa::x86 {

/// The address spaces of ir/runtime.h on x86. With paging off all three see the same.
enum AddressSpaceNumber : ir::Space {
  space_supervisor = 0,       ///< CPL 0..2, and implicit accesses to system tables; SMAP holds
  space_user = 1,             ///< CPL 3
  space_supervisor_open = 2,  ///< CPL 0..2 with EFLAGS.AC set: SMAP is suspended
};

/// Unpacked. Two states with equal modes, equal CS base and equal code translate alike.
struct Mode {
  uint8_t code_bits = 16;  ///< 16, 32 or 64: CS.D and CS.L
  bool stack32 = false;    ///< SS.B; in 64-bit code the stack is 64 bits wide whatever this says
  uint8_t cpl = 0;
  bool protected_ = false;  ///< CR0.PE
  bool vm86 = false;
  bool long_ = false;            ///< EFER.LMA
  bool flat_data = false;        ///< DS and ES: base 0, limit 4 GiB, present, writable: neither base nor limit matter
  bool flat_stack = false;       ///< the same of SS
  bool flat_code = false;        ///< CS base 0, limit 4 GiB: no limit check on jumps
  bool open_fs = false;          ///< FS is writable with a limit of 4 GiB: its base matters, its limit does not
  bool open_gs = false;          ///< the same of GS. In 64-bit code all these flat and open ones are true
  bool ac = false;               ///< EFLAGS.AC at CPL 0..2 with CR4.SMAP: opens user pages to the supervisor
  bool smap = false;             ///< CR4.SMAP: whether EFLAGS.AC makes a difference at CPL 0..2
  bool alignment_check = false;  ///< CR0.AM and EFLAGS.AC and CPL 3
  bool trap = false;             ///< EFLAGS.TF: units have one instruction and raise #DB behind it
  bool x87_blocked = false;      ///< CR0.EM or CR0.TS: x87 and MMX raise (#NM; MMX with EM: #UD)
  bool emulate_x87 = false;      ///< CR0.EM
  bool task_switched = false;    ///< CR0.TS: SSE raises #NM
  bool monitor_x87 = false;      ///< CR0.MP: WAIT raises #NM with TS
  bool x87_faults = false;       ///< CR0.NE: what waits raises #MF (else an interrupt line tells, which no board has)
  bool x87_traps = false;        ///< an x87 exception is unmasked: x87 and MMX instructions are done by helpers
  bool x87_careful = false;      ///< the first instruction found the x87 state elsewhere than ordinary code has it: it
                                 ///< stands alone, and is done by helpers (the unit clears this)
  bool sse = false;              ///< CR4.OSFXSR and not CR0.EM
  bool xsave = false;            ///< CR4.OSXSAVE
  bool float_traps = false;      ///< an MXCSR exception is unmasked: SSE arithmetic looks after each operation
  bool shadow = false;           ///< the first instruction stands in an interrupt shadow (the unit clears it)
  bool breakpoints = false;      ///< DR7 has a breakpoint, or RF is set: one instruction a unit, before it
                                 ///< the breakpoints are looked at and RF is cleared

  /// Units have one instruction, and what comes behind them depends on the state.
  bool one_by_one() const { return trap || shadow || breakpoints || x87_careful; }

  static Mode of(const State& state);
  static Mode unpack(uint64_t packed);
  uint64_t pack() const;
  /// of(state).pack(), and what a packed one says of the code size.
  static uint64_t packed(const State& state);
  static bool is_64_bit(uint64_t packed) { return (packed & 3) == 2; }

  ir::Space data_space() const {
    if (ac && cpl != 3) return space_supervisor_open;
    return usual_data_space();
  }
  /// What it is but for the few instructions between STAC and CLAC.
  ir::Space usual_data_space() const { return cpl == 3 ? space_user : space_supervisor; }
  /// SMAP says nothing of fetches.
  ir::Space code_space() const { return cpl == 3 ? space_user : space_supervisor_open; }
};

}  // namespace strata::isa::x86
