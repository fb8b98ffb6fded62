// The helpers of instructions that read and write control, debug and model-specific registers and tables.
#pragma once

#include "ir/unit.h"

namespace strata::isa::x86::helpers {

// Effect and conventions as in system/helpers.h.
extern const ir::Helper read_cr;               // (i8 number) -> i64
extern const ir::Helper write_cr;              // (i8 number, i64 value); changes the mode
extern const ir::Helper load_msw;              // (i16 value): LMSW
extern const ir::Helper clear_ts;              // CLTS
extern const ir::Helper read_dr;               // (i8 number) -> i64
extern const ir::Helper write_dr;              // (i8 number, i64 value)
extern const ir::Helper read_msr;              // RDMSR: ECX -> EDX:EAX
extern const ir::Helper write_msr;             // WRMSR; changes the mode
extern const ir::Helper cpuid;                 // EAX, ECX -> EAX EBX ECX EDX
extern const ir::Helper read_tsc;              // () -> i64, with CR4.TSD
extern const ir::Helper read_xcr;              // (i32 number) -> i64
extern const ir::Helper write_xcr;             // (i32 number, i64 value); changes the mode
extern const ir::Helper load_table;            // (i8 0 GDTR or 1 IDTR, i64 base, i16 limit)
extern const ir::Helper store_table;           // (i8 0 or 1, i8 1: its limit) -> i64 base or limit, with UMIP
extern const ir::Helper load_system_segment;   // (i8 0 LDTR or 1 TR, i16 selector)
extern const ir::Helper store_system_segment;  // (i8 0 or 1) -> i64 selector, with UMIP
extern const ir::Helper store_msw;             // () -> i64 CR0, with UMIP
extern const ir::Helper load_access_rights;    // (i16 selector) -> i64: LAR's value, bit 32 set where it is valid
extern const ir::Helper load_segment_limit;    // the same for LSL
extern const ir::Helper verify_segment;        // (i16 selector, i8 1: for writing) -> i64 0 or 1
extern const ir::Helper invalidate_page;       // (i64 linear): INVLPG
extern const ir::Helper invalidate_pcid;       // (i64 type, i64 address of the descriptor): INVPCID
extern const ir::Helper check_fsgsbase;        // raises #UD unless CR4.FSGSBASE
extern const ir::Helper check_canonical;       // (i64 address): #GP(0) unless canonical
extern const ir::Helper random;                // () -> i64: RDRAND and RDSEED

}  // namespace strata::isa::x86::helpers
