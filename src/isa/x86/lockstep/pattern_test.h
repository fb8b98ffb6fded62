// Instruction patterns: rows of text, from which random instructions are made.
#pragma once

#include <cstdint>
#include <random>
#include <string_view>
#include <vector>

#include "isa/x86/lockstep/world_test.h"

namespace strata::isa::x86::lockstep {

/// One row a form, tokens as in the manual's opcode column:
///   66 f2 f3 0f ..    bytes; leading 66, f2 and f3 are mandatory prefixes and stand in front of REX
///   /r /0 .. /7       ModRM
///   +r +c             a random register, a random condition in the opcode
///   ib iw iz iv       immediates
///   b v y q d         operand size: byte; 16, 32 or 64; 32 or 64; 64; 32 (default). One random choice
///   rm8 rm16          the ModRM operand has a size of its own
///   m r               only memory, only register
///   lock              may carry LOCK with memory
///   x. .x xx          reg, rm, or both are XMM registers; n. .n nn: MMX registers
///   V                 VEX.vvvv is a general register (with vex…)
///   vex.0f38.66       VEX prefix with map and pp (none for no pp); followed by the opcode byte alone
///   align16           memory is aligned to 16 bytes, mostly
///   only32 only64     code sizes
///   scan              BSF, BSR: where the host leaves the other flags alone, all are made of ZF behind it
struct Pattern {
  explicit Pattern(std::string_view row);
  bool has_modrm() const { return modrm_digit >= 0; }

  std::string_view row;
  std::vector<uint8_t> prefixes, opcode;
  int modrm_digit = -1;  ///< 0..7, 8 for /r
  bool plus_register = false, plus_condition = false;
  std::vector<char> immediates;  ///< b w z v
  char size = 'd';
  char reg_class = 'g', rm_class = 'g';  ///< g x n
  unsigned rm_bits = 0;
  bool memory_only = false, register_only = false, may_lock = false, uses_vvvv = false, align16 = false;
  bool only32 = false, only64 = false;
  bool scan = false;
  bool vex = false;
  uint8_t vex_map = 0, vex_pp = 0;
};

/// Random programs. The same seed gives the same program everywhere.
class Generator {
 public:
  Generator(uint64_t seed, CodeSize size) : random_(seed), size_(size) {}

  /// A program of 1 to `longest` instructions made from the patterns.
  Program program(const std::vector<Pattern>& patterns, unsigned longest);
  /// One instruction.
  Program program_of(const Pattern& pattern);

  bool is_64() const { return size_ == CodeSize::bits64; }
  uint64_t bits() { return random_(); }
  /// Below `end`.
  unsigned below(unsigned end) { return static_cast<unsigned>(random_() % end); }
  bool one_in(unsigned n) { return below(n) == 0; }
  /// Often a value at a corner: 0, 1, -1, the ends of the ranges.
  uint64_t value();
  void emit(uint8_t byte) { code_.push_back(byte); }
  void emit(uint64_t value, unsigned bytes);
  void instruction(const Pattern& pattern);

 private:
  struct Operands;
  uint8_t any_register(bool byte_without_rex);
  uint8_t register_of(char register_class, bool byte_without_rex);
  void emit_prefixes(const Pattern& pattern, const Operands& operands);
  void emit_opcode(const Pattern& pattern, const Operands& operands);
  void emit_immediates(const Pattern& pattern, const Operands& operands);
  void string_instruction();
  void jump_over(const Pattern& pattern);
  void loop(const Pattern& pattern);
  void registers(Registers& out);
  Program finish();

  std::mt19937_64 random_;
  const CodeSize size_;
  std::vector<uint8_t> code_;
};

}  // namespace strata::isa::x86::lockstep
