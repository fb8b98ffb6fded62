// Lowering: from a unit's IR to a program of steps, block by block, one walk backward (notes.h) and one forward.
#pragma once

#include <cstring>
#include <memory>

#include "codegen/interp/handlers.h"
#include "codegen/interp/notes.h"

namespace strata::codegen::interp {

class Lowering {
 public:
  Lowering(const ir::Unit& unit, Scratch& scratch);
  std::unique_ptr<Program> run();

 private:
  using Instr = ir::Instr;
  using Op = ir::Op;
  using Type = ir::Type;
  using Value = ir::Value;

  /// An operand of a step.
  struct Operand {
    Place place;
    uint16_t number;
    bool operator==(const Operand&) const = default;
  };
  /// The result of a step.
  struct Result {
    Dest dest;
    uint16_t number;
    uint16_t any() const { return dest == Dest::cell ? number : static_cast<uint16_t>(any_slot | number / cell_bytes); }
  };
  /// The address of a load or store, taken apart.
  struct Address {
    Value base;
    Value index = ir::no_value;
    unsigned scale = 1;
    int32_t displacement = 0;
  };

  /// The parts of a block's steps: what runs, and what runs when the program is left in it.
  static constexpr uint8_t in_line = 1, in_stub = 2;

  // Blocks (lowering.cpp).
  void lower_block(ir::BlockId id);
  void lower_instr(const Instr& instr, Note& note);
  void lower_stub(const ir::Block& block);
  void lower_sunk_set(const Instr& instr, const Note& note);
  void move_to_cell(Value value);
  void supersede_sunk(uint64_t slot);
  void connect();

  // How far the state lags behind (lower_control.cpp).
  void begin_insn(uint64_t pc);
  void note_pc_set();
  void mark_exit();
  size_t far_pc(uint64_t pc);
  /// Makes the pc slot and the count of instructions right, the latter less `undone`.
  void bring_up_to_date(unsigned undone = 0);
  bool wants_pc(ir::BlockId target) const;

  // Ways on and out (lower_control.cpp).
  void lower_terminator(const Instr& instr);
  void hand_on(ir::BlockId target);
  void lower_jump(const Instr& instr);
  bool ends_in_polled_jump(const ir::Block& block) const;
  void lower_polled_jump(const ir::Block& block);
  void lower_branch(const Instr& instr);
  void lower_compare_branch(const Instr& compare, ir::BlockId yes, ir::BlockId no);
  void note_flags(const Result& result, Width width, const Operand& a, const Operand& b);
  bool merge_with_flags(Op op, Width width, const Operand& a, const Operand& b, const Step& branch, ir::BlockId yes,
                        ir::BlockId no);
  void emit_branch(Step step, Handler handler, ir::BlockId yes, ir::BlockId no);
  void lower_exit(const Instr& instr);
  void lower_exit_if(const Instr& instr);
  void lower_call(const Instr& instr);
  uint16_t call_operand(Value value, bool in_cell);

  // Operations (lower_operations.cpp).
  void lower_operation(const Instr& instr);
  void lower_get(const Instr& instr, Note& note);
  Home copy_of_slot(uint16_t offset, Type type);
  void lower_set(const Instr& instr);
  void lower_hot(const Instr& instr);
  void lower_binary(const Instr& instr);
  void lower_any(const Instr& instr, Handler handler, int32_t imm = 0);
  void lower_float_or_vector(const Instr& instr);
  void lower_compare(const Instr& instr);
  void lower_flags_logic(const Instr& instr);
  void lower_condition(const Instr& instr);
  void lower_zext(const Instr& instr);
  void lower_trunc(const Instr& instr);
  void lower_load(const Instr& instr);
  void lower_store(const Instr& instr);
  Address address_of(Value value) const;
  Index put_address(Step& step, const Address& address, Place& base, uint64_t space);

  // Operands and results (lower_operands.cpp).
  Operand operand(Value value);        ///< cell or slot
  Operand right_operand(Value value);  ///< or imm, with the number 0
  bool is_imm(Value value) const;
  uint16_t any_operand(Value value);
  Home cell_of_constant(Value value);
  Result result(bool any_place, unsigned bytes);  ///< of the instruction at hand
  uint16_t new_cell(unsigned bytes = cell_bytes);
  void copy_vector(uint16_t to_any, uint16_t from_any) { emit({.d = to_any, .a = from_any}, move_vector()); }

  Step& emit(Step step, Handler handler) {
    step.handler = encode(handler);
    return scratch_.steps.emplace_back(step);
  }
  /// What stands in the place of the step behind the one emitted last.
  template <class T>
  void emit_data(const T& data) {
    static_assert(sizeof data == sizeof(Step));
    std::memcpy(static_cast<void*>(&scratch_.steps.emplace_back()), &data, sizeof data);
  }
  uint16_t here() const { return static_cast<uint16_t>(scratch_.steps.size()); }
  const Instr& at(Value value) const { return unit_.code[value]; }
  Note& note_of(Value value) { return scratch_.notes[value]; }
  const Note& note_of(Value value) const { return scratch_.notes[value]; }
  Type type_of(Value value) const { return ir::result_type(unit_, at(value)); }
  const ir::Slot& slot_of(const Instr& instr) const { return unit_.layout->slots[instr.imm]; }

  /// The step emitted last, where it writes the flags of a - b to a slot of 32 bits.
  struct FlagsStep {
    uint32_t step = never;
    Width width = Width::w8;
    Operand a{}, b{};
  };

  const ir::Unit& unit_;
  Scratch& scratch_;
  FlagsStep flags_step_;
  uint32_t position_ = 0;  ///< of the instruction at hand, in Unit::code
  uint32_t cells_ = 0, most_cells_ = 0;
  uint8_t part_ = in_line;  ///< for constants held in cells
  uint8_t links_ = 0;
  ir::BlockId next_block_ = 0;  ///< the one whose steps follow
  bool has_stub_ = false;       ///< the block has sunk sets
  size_t first_mark_ = 0;       ///< of the block at hand; before it stands the one of its exit stub, if it has one

  uint64_t pc_ = 0;         ///< of the instruction begun last in this block
  bool pc_lags_ = false;    ///< the pc slot does not hold it yet
  bool at_insn_ = false;    ///< nothing but an `insn` has set the pc last
  unsigned uncounted_ = 0;  ///< instructions begun since the count was brought up to date
  bool begun_ = false;      ///< an instruction has been begun, in this block or before it
};

}  // namespace strata::codegen::interp
