// A decoded x86 instruction: what the bytes say, before any meaning.
#pragma once

#include <cstdint>

#include "isa/x86/state.h"

namespace strata::isa::x86 {

/// Opcode maps (SDM vol. 2, appendix A). x87 escapes D8..DF are in `primary` with a ModRM byte.
enum class Map : uint8_t { primary, map_0f, map_0f38, map_0f3a };

enum class Vex : uint8_t { none, vex };

struct Insn {
  Map map = Map::primary;
  uint8_t opcode = 0;
  uint8_t length = 0;         ///< bytes, at most 15
  uint8_t operand_bits = 32;  ///< 16, 32 or 64, from mode, 66 and REX.W; byte forms are the opcode's own affair
  uint8_t address_bits = 32;  ///< 16, 32 or 64
  bool lock = false;
  bool rep = false;                         ///< F3
  bool repne = false;                       ///< F2
  bool operand_prefix = false;              ///< 66
  bool rex = false;                         ///< any REX: byte registers 4..7 are SPL BPL SIL DIL
  bool rex_w = false;                       ///< also VEX.W
  uint8_t rex_r = 0, rex_x = 0, rex_b = 0;  ///< 0 or 8
  Vex vex = Vex::none;
  uint8_t vex_register = 0;  ///< VEX.vvvv, not inverted
  bool vex_256 = false;      ///< VEX.L
  /// The last of 66, F3, F2 that selects an SSE form: 0, 0x66, 0xf3 or 0xf2 (VEX.pp likewise).
  uint8_t simd_prefix = 0;
  SegmentName segment_override = no_segment;

  bool has_modrm = false;
  uint8_t mod = 0, reg = 0, rm = 0;  ///< reg and rm without REX; see reg_number, rm_number
  bool has_sib = false;
  uint8_t base = 0, index = 0, scale = 0;  ///< of SIB, with REX; scale is a shift count
  bool has_base = false, has_index = false;
  bool rip_relative = false;
  int64_t displacement = 0;  ///< sign-extended; moffs too
  int64_t immediate = 0;     ///< sign-extended from its own size
  int64_t immediate2 = 0;    ///< ENTER's level, the selector of a far pointer

  uint8_t reg_number() const { return static_cast<uint8_t>(reg | rex_r); }
  uint8_t rm_number() const { return static_cast<uint8_t>(rm | rex_b); }
  bool is_register_form() const { return mod == 3; }
};

}  // namespace strata::isa::x86
