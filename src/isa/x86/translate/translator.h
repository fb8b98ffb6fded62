// The translator's tools: operands, flags, addresses and exceptions, shared by all instruction groups.
#pragma once

#include <cstdint>

#include "ir/builder.h"
#include "isa/x86/cpu.h"
#include "isa/x86/exception.h"
#include "isa/x86/insn.h"
#include "isa/x86/mode.h"
#include "isa/x86/translate/region.h"

namespace strata::isa::x86 {

using ir::Op;
using ir::Type;
using ir::Value;

/// Translates one unit. The groups (translate/groups.h, one file each) are functions
///   bool translate_xyz(Translator& t);   false: not an instruction of this group, and nothing has been emitted
/// that look at t.insn and emit into t.b. Values of narrow registers are of their own type (i8, i16, i32). What may
/// fault comes before what sets registers: at a fault the state must be as before the instruction.
/// LOCK, VEX prefixes that stand wrongly, and instructions cut off by a page have been dealt with before a group is asked.
class Translator {
 public:
  Translator(const CodeKey& key, const Mode& mode, const Cpuid& cpuid, const Region& region);

  ir::Builder b;
  Mode mode;  ///< that of the unit's key, but for what change_ac says
  const Cpuid& cpuid;
  Region region;                                                 ///< what the unit covers
  Insn insn;                                                     ///< being translated
  bool in_shadow = false;                                        ///< State::interrupt_shadow may be set
  uint64_t pc;                                                   ///< its rip
  const bool relocatable;                                        ///< see ir::Unit
  uint64_t next_pc() const { return cut_pc(pc + insn.length); }  ///< rip behind it
  uint64_t cut_pc(uint64_t target) const { return mode.code_bits == 64 ? target : target & 0xffff'ffff; }

  /// A pc as `insn` and `exit_goto` tell it, and as a value.
  uint64_t told(uint64_t any_pc) const { return any_pc - (relocatable ? first_pc_ & ir::page_mask : 0); }
  Value pc_value(uint64_t any_pc);

  // Registers. `number` is 0..15; for bits 8 without REX, 4..7 are AH CH DH BH.
  Value gpr(uint8_t number, unsigned bits);
  void set_gpr(uint8_t number, Value value);  ///< by the value's type; 32 bits clear the upper half
  Value gpr8(uint8_t number);                 ///< as ModRM names byte registers, REX considered
  void set_gpr8(uint8_t number, Value value);
  Value immediate(unsigned bits);  ///< insn.immediate

  // ModRM operands. The linear address is computed once and kept for read-modify-write.
  Value effective_address();                                ///< offset only, i64, cut to the address size (LEA)
  Value memory_address(unsigned size, bool write = false);  ///< linear, i64, of `size` bytes; limits checked
  Value linear(SegmentName segment, Value offset, unsigned size, bool write);  ///< the same for any segment and offset
  /// Whether neither limit nor type can stop an access, as far as the mode tells.
  bool always_reachable(SegmentName segment, bool write) const;
  SegmentName data_segment(SegmentName default_segment) const;  ///< with the override
  Value load_rm(unsigned bits, bool then_written = false);      ///< register or memory
  void store_rm(Value value);
  Value load(Type type, Value address);  ///< in the mode's data space
  void store(Value address, Value value);
  Value cut_address(Value offset, unsigned bits);  ///< an i64 offset modulo the address size

  // Stack, by the mode's stack width. Nothing is changed until the memory access has succeeded.
  void push(Value value);  ///< i16, i32 or i64
  Value pop(unsigned bits);
  unsigned stack_bits() const { return mode.code_bits == 64 ? 64 : mode.stack32 ? 32 : 16; }
  Value stack_pointer();                  ///< i64, cut to the stack's width
  void set_stack_pointer(Value pointer);  ///< i64
  Value stack_address(Value pointer, unsigned size, bool write);
  /// The operand size of what uses the stack or branches: 64 in 64-bit code (16 with 66, for pushes and pops).
  unsigned stack_operand_bits() const;

  // Flags.
  Value flags() { return b.get(slot_flags); }
  void set_flags(Value flags) { b.set(slot_flags, flags); }  ///< all six
  void set_flags(Value flags, uint32_t mask);                ///< the others stay
  Value cond(uint8_t tttn);                                  ///< the condition of Jcc, SETcc, CMOVcc
  Value carry() { return b.cond(ir::Cond::c, flags()); }     ///< CF, i1

  // Exceptions and ends. Each ends the unit's current block.
  void raise(Vector vector);  ///< the instruction does nothing but fault
  void raise(Vector vector, uint16_t error);
  void raise_if(Value condition, Vector vector);
  void raise_if(Value condition, Vector vector, uint16_t error);
  void invalid() { raise(vector_ud); }
  void general_protection() { raise(vector_gp, 0); }
  /// Goes to a place in this mode: a jump inside the unit, or exit_goto. A target outside CS's limit is #GP.
  void end_at(uint64_t target_pc);
  /// The block that a branch to `target_pc` can go to without more ado; nothing where it takes end_at.
  std::optional<ir::BlockId> block_at(uint64_t target_pc);
  void end_at(Value target_pc);  ///< exit_indirect, likewise
  void end_with_return(Value target_pc);
  void check_target(Value target);  ///< the same #GP alone, before other effects of a branch
  /// Mode::ac is another from here to the end of the block. From there on the ways lead out of the unit.
  void change_ac(bool ac) { mode.ac = ac; }
  bool ac_changed() const { return mode.ac != unit_ac_; }
  void begin_block(ir::BlockId block);  ///< of the region
  void end_after_this();                ///< the unit ends behind this instruction (mode may have changed)
  bool ended() const { return !b.in_block(); }

  /// A helper in C++ (see helpers/): its first parameter is the ExecContext.
  Value call(const ir::Helper& helper, std::initializer_list<Value> args);

  // Checks that many groups begin with; true when they raised and nothing is left to do.
  bool needs_cpl0();    ///< #GP(0)
  bool sse_unusable();  ///< #UD or #NM
  bool x87_unusable();  ///< #NM
  /// Whether x87 and MMX instructions are done by helpers, which take nothing for granted. Elsewhere all exceptions are
  /// masked, so that none can wait.
  bool x87_by_helpers() const { return mode.x87_traps || mode.one_by_one(); }
  void set_x87_place(X87Place place);
  void expect_x87(X87Place place);  ///< or the instruction is begun anew, by helpers
  bool lock_is_wrong();             ///< LOCK where it is not allowed: #UD. The unit's loop asks; groups need not

  /// Forgets what belonged to the instruction before.
  void begin_insn(uint64_t rip) { pc = rip, address_ = ir::no_value, address_for_write_ = false; }

 private:
  bool needs_check(Value target) const;
  void check_limit(SegmentName segment, Value offset, unsigned size, bool write);

  const bool unit_ac_;
  /// Where the x87 state is known to be, in the block at hand.
  X87Place x87_place_ = X87Place::memory;
  ir::BlockId x87_block_ = 0;
  const uint64_t first_pc_;       ///< of the unit
  Value address_ = ir::no_value;  ///< memory_address of this instruction, once known
  bool address_for_write_ = false;
};

}  // namespace strata::isa::x86
