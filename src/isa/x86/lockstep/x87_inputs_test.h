// Random x87 programs: register stacks, operands and instructions at which an x87 unit likes to go wrong.
#pragma once

#include <cstdint>
#include <iterator>
#include <random>

#include "isa/x86/lockstep/world_test.h"

namespace strata::isa::x86::lockstep {

/// Where operands stand, from RBX on. Environments and state areas have places of their own, as their pointers to the
/// last instruction are not compared.
struct X87Places {
  static constexpr unsigned operands = 0, operand_count = 16;  ///< of 16 bytes
  static constexpr unsigned control_words = 0x100, control_word_count = 8;
  static constexpr unsigned environment16 = 0x200, environment32 = 0x240, state16 = 0x280, state32 = 0x300;
  static constexpr unsigned fx_area = 0x400, xsave_area = 0x600;
};

class X87Programs {
 public:
  X87Programs(uint64_t seed, CodeSize size) : random_(seed) { program_.code_size = size; }

  Program program(unsigned longest);
  /// Several rounds of the same instructions: the stack is another at each begin.
  Program loop(unsigned longest);
  /// One instruction: opcode D8..DF and ModRM of a register form, or one whose reg field tells a memory form.
  Program program_of(uint8_t opcode, uint8_t modrm);

 private:
  struct Extended {
    uint64_t significand;
    uint16_t sign_exponent;
  };

  uint64_t word() { return random_(); }
  unsigned below(unsigned limit) { return static_cast<unsigned>(random_() % limit); }
  bool chance(unsigned percent) { return below(100) < percent; }
  template <class Range>
  auto one_of(const Range& range) {
    return range[below(static_cast<unsigned>(std::size(range)))];
  }

  void emit(unsigned byte) { program_.code.push_back(static_cast<uint8_t>(byte)); }
  void memory_operand(unsigned reg, unsigned displacement);
  void instruction();
  void memory_form(uint8_t opcode, unsigned reg);
  void state_form();
  void mmx_form();

  uint64_t ieee(unsigned exponent_bits, unsigned fraction_bits);
  uint64_t fraction(unsigned bits);
  Extended extended();
  uint16_t control();
  uint16_t status(uint16_t control, unsigned percent_waiting);
  void fill();
  void fill_operand(uint8_t* out);
  void fill_environment(uint8_t* out, unsigned field_bytes);
  void fill_fx(uint8_t* out);

  std::mt19937_64 random_;
  Program program_;
};

/// Makes alike what processors may keep or forget, in memory: pointers to the last instruction, components in use.
void forget_pointers(Memory& memory);

}  // namespace strata::isa::x86::lockstep
