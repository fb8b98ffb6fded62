// Where a unit's code goes to C++ in the middle of things, as records: for each a stub of 4 bytes, and what is to be
// done there.
#pragma once

#include <cstddef>
#include <cstdint>

#include "codegen/interp/step.h"
#include "ir/runtime.h"

namespace strata::codegen::x64 {

class X64Code;

/// One place, by the number that its stub names (stubs.cpp). There are many.
struct ExitPlace {
  enum class Way : uint8_t {
    load,         ///< makes a load that missed, and goes on
    store,        ///< the same of a store
    update,       ///< of an atomic update
    float_stack,  ///< of an operation of the float stack
    exit,         ///< leaves the unit in the middle of a block
    leave         ///< leaves it at a block's end, where no values are wanted any more
  };
  /// Where the pc stands.
  enum class Pc : uint8_t { in_slot, near, far, in_register };

  static constexpr uint32_t no_steps = (1u << 22) - 1;
  static constexpr uint32_t no_pages = 16;
  static constexpr unsigned most_insns = (1u << 14) - 1;
  static constexpr uint32_t constant = 4;  ///< as `value`: rsp holds none

  union {
    int32_t near_pc = 0;  ///< from X64Code::first_pc on; in relocatable code from its page on too
    uint32_t link;        ///< where the pc is far: RunResult::link
  };
  uint32_t first_step : 22 = no_steps;  ///< of those that do the sunk sets that are owed
  uint32_t space : 2 = 0;               ///< of an access
  uint32_t value : 4 = 0;               ///< of a store: the register of what it stores; of an update: of its result
  uint32_t length : 4 = 0;              ///< of the instruction that makes the access, which stands at `resume`
  uint16_t insns : 14 = 0;              ///< begun since the count was brought up to date
  uint16_t vector : 1 = 0;              ///< `value` is a vector register
  uint16_t not_begun : 1 = 0;           ///< RunResult::not_begun
  ir::ExitKind kind : 3 = ir::ExitKind::next;
  uint8_t from_helper : 1 = 0;  ///< kind and payload stand in the context
  uint8_t begun : 1 = 0;        ///< an instruction has been begun
  uint8_t at_insn : 1 = 0;      ///< the pc is that of an instruction yet to be done, or done anew
  Pc pc : 2 = Pc::in_slot;
  Way way : 3 = Way::exit;
  uint8_t pages : 5 = no_pages;  ///< of an access that looks for its Neighbours: where it keeps what it finds

  struct Update {
    uint8_t op, type;
    uint8_t operands[2];  ///< registers
  };
  struct Access {
    union {
      int32_t displacement;  ///< of a load or store: what is added to the register of the address
      Update update;
      uint32_t float_stack;  ///< the immediate of the operation
    };
    uint32_t resume : 24;  ///< where code goes on behind the look into the TLB
    uint32_t address : 4;  ///< the register
    uint32_t last : 4;     ///< the number of bytes, less one
  };
  union {
    uint32_t words[2] = {};  ///< payload, or far pc
    Access access;
  };

  void set_wide(uint64_t wide) {
    words[0] = static_cast<uint32_t>(wide);
    words[1] = static_cast<uint32_t>(wide >> 32);
  }
  uint64_t wide() const { return words[0] | uint64_t{words[1]} << 32; }
  bool owes() const { return first_step != no_steps; }

  // As the thunk reads it: bytes, and the halves of them.
  static constexpr int32_t bytes = 20;
  static constexpr int32_t space_byte = 6;  ///< its two highest bits
  static constexpr int32_t way_byte = 11;   ///< below `pages`
  static constexpr int32_t displacement_word = 12;
  static constexpr int32_t resume_word = 16;
  static constexpr int32_t address_byte = 19;  ///< below `last`
};
static_assert(sizeof(ExitPlace) == ExitPlace::bytes && alignof(ExitPlace) == 4);

/// What the slow thunk wants to know of a unit's code. Behind it stand the places.
struct CodeData {
  X64Code* code = nullptr;
  const std::byte* begin = nullptr;     ///< of its instructions
  const interp::Step* steps = nullptr;  ///< of places, and of operations left to the interpreter
};

}  // namespace strata::codegen::x64
