// The translator's tools: operands, flags, addresses and exceptions, shared by all instruction groups.
#pragma once

#include <cstdint>

#include "ir/builder.h"
#include "isa/x86/cpu.h"
#include "isa/x86/exception.h"
#include "isa/x86/insn.h"
#include "isa/x86/mode.h"

namespace strata::isa::x86 {

using ir::Op;
using ir::Type;
using ir::Value;

/// Translates one unit. The groups (one file each under translate/) are functions
///   bool translate_xyz(Translator& t);   false: not an instruction of this group
/// that look at t.insn and emit into t.b. Values of narrow registers are of their own type (i8, i16, i32).
class Translator {
 public:
  Translator(const CodeKey& key, const State& state);

  ir::Builder b;
  const Mode mode;
  Insn insn;             ///< being translated
  uint64_t pc;           ///< its rip
  uint64_t next_pc() const;  ///< rip behind it, cut to the code size

  // Registers. `number` is 0..15; for bits 8 without REX, 4..7 are AH CH DH BH.
  Value gpr(uint8_t number, unsigned bits);
  void set_gpr(uint8_t number, Value value);    ///< by the value's type; 32 bits clear the upper half
  Value gpr8(uint8_t number) ;                  ///< as ModRM names byte registers, REX considered
  void set_gpr8(uint8_t number, Value value);

  // ModRM operands. The linear address is computed once and kept for read-modify-write.
  Value effective_address();                    ///< offset only, i64, cut to the address size (LEA)
  Value memory_address(unsigned size);          ///< linear, i64; checks segment limit and canonical form where needed
  Value linear(SegmentName segment, Value offset, unsigned size, bool write);  ///< the same for any segment and offset
  SegmentName data_segment(SegmentName default_segment) const;   ///< with the override
  Value load_rm(unsigned bits);                 ///< register or memory
  void store_rm(Value value);
  Value load(Type type, Value address);         ///< in the mode's data space
  void store(Value address, Value value);

  // Stack, by the mode's stack width. Nothing is changed until the memory access has succeeded.
  void push(Value value);                       ///< i16, i32 or i64
  Value pop(unsigned bits);
  unsigned stack_bits() const;

  // Flags.
  Value flags();
  void set_flags(Value flags);                              ///< all six
  void set_flags(Value flags, uint32_t mask);               ///< the others stay
  Value cond(uint8_t tttn);                                 ///< the condition of Jcc, SETcc, CMOVcc

  // Exceptions and ends. Each ends the unit's current block.
  void raise(Vector vector);                    ///< the instruction does nothing but fault
  void raise(Vector vector, uint16_t error);
  void raise_if(Value condition, Vector vector);
  void raise_if(Value condition, Vector vector, uint16_t error);
  void invalid() { raise(vector_ud); }
  void general_protection() { raise(vector_gp, 0); }
  void end_at(uint64_t target_pc);              ///< exit_goto
  void end_at(Value target_pc);                 ///< exit_indirect
  void end_after_this();                        ///< the unit ends behind this instruction (mode may have changed)
  bool ended() const { return !b.in_block(); }

  /// A helper in C++ (see helpers/): its first parameter is the ExecContext.
  Value call(const ir::Helper& helper, std::initializer_list<Value> args) { return b.call(helper, args); }

  // Checks that many groups begin with; true when they raised and nothing is left to do.
  bool needs_cpl0();
  bool sse_unusable();      ///< #UD or #NM
  bool x87_unusable();      ///< #NM
  bool lock_is_wrong();     ///< LOCK where it is not allowed: #UD

 private:
  Value address_ = ir::no_value;  ///< memory_address of this instruction, once known
};

}  // namespace strata::isa::x86
