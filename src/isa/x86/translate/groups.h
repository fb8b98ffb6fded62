// The instruction groups: which functions translate what. translate/groups.cpp has the table of opcodes.
#pragma once

#include "isa/x86/translate/translator.h"

namespace strata::isa::x86 {

using Group = bool (*)(Translator&);

/// Emits t.insn. What no group knows is #UD.
void translate_insn(Translator& t);

// Integer.
bool translate_arith(Translator& t);     // arith.cpp: ADD OR ADC SBB AND SUB XOR CMP TEST, INC DEC NEG NOT
bool translate_bcd(Translator& t);       // bcd.cpp: DAA DAS AAA AAS AAM AAD, SALC
bool translate_mov(Translator& t);       // mov.cpp: MOV MOVZX MOVSX MOVBE MOVNTI LEA XLAT CMOVcc XCHG BSWAP CBW CWD
bool translate_flags(Translator& t);     // flags.cpp: CLC STC CMC CLD STD LAHF SAHF SETcc
bool translate_stack(Translator& t);     // stack.cpp: PUSH POP PUSHA POPA PUSHF POPF ENTER LEAVE
bool translate_shift(Translator& t);     // shift.cpp: SHL SHR SAR ROL ROR RCL RCR SHLD SHRD
bool translate_muldiv(Translator& t);    // muldiv.cpp: MUL IMUL DIV IDIV
bool translate_bits(Translator& t);      // bits.cpp: BT BTS BTR BTC BSF BSR LZCNT TZCNT POPCNT
bool translate_bmi(Translator& t);       // bmi.cpp: BMI1, BMI2, ADCX ADOX
bool translate_exchange(Translator& t);  // exchange.cpp: CMPXCHG, CMPXCHG8B CMPXCHG16B, XADD
bool translate_strings(Translator& t);   // strings.cpp: MOVS STOS LODS SCAS CMPS INS OUTS
bool translate_branch(Translator& t);    // branch.cpp: Jcc JMP CALL RET LOOP JCXZ
// System, with helpers of system/.
bool translate_far(Translator& t);      // far.cpp: far JMP CALL RET, INT IRET
bool translate_segment(Translator& t);  // segment.cpp: segment registers in MOV PUSH POP LDS .. LGS, BOUND
bool translate_io(Translator& t);       // io.cpp: IN OUT, CLI STI HLT, NOP PAUSE UD, fences, prefetches, CLFLUSH
bool translate_system(Translator& t);   // system*.cpp: descriptor tables, control registers, MSRs, CPUID, SYSCALL ..
// Vector and floating point.
bool translate_sse(Translator& t);    // sse*.cpp
bool translate_x87(Translator& t);    // x87*.cpp: D8 to DF, WAIT
bool translate_xsave(Translator& t);  // xsave.cpp: FXSAVE FXRSTOR XSAVE ..

}  // namespace strata::isa::x86
