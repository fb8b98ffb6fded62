// What follows each opcode byte: ModRM, immediates, or nothing. Drawn as in SDM vol. 2, appendix A.
#pragma once

#include <cstdint>
#include <string_view>

namespace strata::isa::x86 {

/// What an opcode is followed by; each cell of the tables below is one of these.
enum class Form : char {
  none = '.',
  invalid = 'x',  ///< no instruction
  prefix = 'p',   ///< a legacy prefix, or an escape byte: never an opcode
  modrm = 'm',
  modrm_register = 'r',  ///< ModRM whose mod field is ignored: always registers (MOV to and from CR and DR)
  modrm_imm8 = 'B',
  modrm_immz = 'Z',
  test_imm8 = 't',  ///< ModRM, with an immediate where reg is 0 or 1 (group 3)
  test_immz = 'T',
  imm8 = 'b',
  imm16 = 'w',
  immz = 'z',         ///< 16 or 32 bits by the operand size
  immv = 'v',         ///< 16, 32 or 64 bits by the operand size
  relz = 'j',         ///< a near branch's distance: as immz, but always 32 bits in 64-bit code
  moffs = 'o',        ///< an offset of the address size
  far_pointer = 'f',  ///< offset of the operand size, then a selector
  enter = 'E',        ///< imm16, imm8
};

// clang-format off
inline constexpr std::string_view primary_map =
//   0123456789abcdef
    "mmmmbz..mmmmbz.p"  // 0  ADD, OR
    "mmmmbz..mmmmbz.."  // 1  ADC, SBB
    "mmmmbzp.mmmmbzp."  // 2  AND, SUB
    "mmmmbzp.mmmmbzp."  // 3  XOR, CMP
    "................"  // 4  INC, DEC (REX in 64-bit code)
    "................"  // 5  PUSH, POP
    "..mmppppzZbB...."  // 6  PUSHA POPA BOUND ARPL/MOVSXD, PUSH IMUL, INS OUTS
    "bbbbbbbbbbbbbbbb"  // 7  Jcc
    "BZBBmmmmmmmmmmmm"  // 8  group 1, TEST XCHG MOV LEA POP
    "..........f....."  // 9  XCHG, CBW CWD CALLF WAIT PUSHF POPF SAHF LAHF
    "oooo....bz......"  // a  MOV MOVS CMPS TEST STOS LODS SCAS
    "bbbbbbbbvvvvvvvv"  // b  MOV
    "BBw.mmBZE.w..b.."  // c  group 2, RET LES LDS MOV ENTER LEAVE RETF INT IRET
    "mmmmbb..mmmmmmmm"  // d  group 2, AAM AAD SALC XLAT, x87
    "bbbbbbbbjjfb...."  // e  LOOP JCXZ IN OUT CALL JMP
    "p.pp..tT......mm"; // f  INT1 HLT CMC, group 3, flags, groups 4 and 5

inline constexpr std::string_view map_0f =
//   0123456789abcdef
    "mmmmx.....x.xmxx"  // 0  groups 6 and 7, LAR LSL SYSCALL CLTS SYSRET INVD WBINVD UD2 PREFETCHW
    "mmmmmmmmmmmmmmmm"  // 1  MOVUPS .., hint NOPs
    "rrrrxxxxmmmmmmmm"  // 2  MOV CR DR, MOVAPS ..
    "......x.pxpxxxxx"  // 3  WRMSR RDTSC RDMSR RDPMC SYSENTER SYSEXIT GETSEC
    "mmmmmmmmmmmmmmmm"  // 4  CMOVcc
    "mmmmmmmmmmmmmmmm"  // 5
    "mmmmmmmmmmmmmmmm"  // 6
    "BBBBmmm.mmxxmmmm"  // 7
    "jjjjjjjjjjjjjjjj"  // 8  Jcc
    "mmmmmmmmmmmmmmmm"  // 9  SETcc
    "...mBmxx...mBmmm"  // a  PUSH POP FS, CPUID BT SHLD, PUSH POP GS, RSM BTS SHRD, group 15, IMUL
    "mmmmmmmmmmBmmmmm"  // b  CMPXCHG LSS BTR LFS LGS MOVZX POPCNT UD1, group 8, BTC BSF BSR MOVSX
    "mmBmBBBm........"  // c  XADD CMPPS MOVNTI PINSRW PEXTRW SHUFPS, group 9, BSWAP
    "mmmmmmmmmmmmmmmm"  // d
    "mmmmmmmmmmmmmmmm"  // e
    "mmmmmmmmmmmmmmmm"; // f

/// No instructions in 64-bit code. (62, C4 and C5 are not here: they begin EVEX and VEX.)
inline constexpr std::string_view invalid_in_64_bits =
    "\x06\x07\x0e\x16\x17\x1e\x1f\x27\x2f\x37\x3f\x60\x61\x82\x9a\xce\xd4\xd5\xd6\xea";
// clang-format on

static_assert(primary_map.size() == 256 && map_0f.size() == 256 && invalid_in_64_bits.size() == 20);

}  // namespace strata::isa::x86
