// From a unit's IR to host code, block by block: one walk backward (notes.h), one forward.
#pragma once

#include <asmjit/x86.h>

#include <array>
#include <initializer_list>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "codegen/x64/assembler.h"
#include "codegen/x64/exit_place.h"
#include "codegen/x64/frame.h"
#include "codegen/x64/host_features.h"
#include "codegen/x64/notes.h"
#include "codegen/x64/registers.h"
#include "codegen/x64/x64_code.h"

namespace strata::codegen::x64 {

/// How many runners code may have: links are written while others run it.
enum class Sharing : uint8_t { alone, several };

class Compiler {
 private:
  using Instr = ir::Instr;
  using Op = ir::Op;
  using Type = ir::Type;
  using Value = ir::Value;
  using Gp = x86::Gp;
  using Xmm = x86::Xmm;
  using Label = asmjit::Label;
  using CondCode = x86::CondCode;

  /// The address of a load or store.
  struct Place {
    Gp reg;
    int32_t displacement;
  };
  /// A jump to a stub that is not there yet.
  struct StubJump {
    uint32_t end;     ///< of the jump, in the code
    uint32_t number;  ///< of the stub, and of its ExitPlace
  };
  /// Steps of the interpreter up to one that ends them.
  struct StepRun {
    uint64_t hash;
    uint32_t first, size;
  };
  static constexpr size_t most_step_runs = 128;  ///< that are looked through
  /// What a link does as long as it leads nowhere.
  struct Unlinked {
    uint32_t number;
    uint32_t jump_end;  ///< behind the jump that is the link
    bool stays;         ///< it leads to the page in which this code begins
  };

  /// Where an indirect jump goes on if the pc's own entry of the table is another's.
  struct OtherWays {
    Label begin;
    Gp pc;
    uint32_t miss;
  };

 public:
  /// What compilations use one after the other: nothing is allocated for a unit but what its code keeps.
  struct Workspace {
    Workspace();

    Scratch scratch;
    std::unique_ptr<std::byte[]> bytes;  ///< of the code being made
    Assembler assembler;
    /// Of looks into the TLB: what finds the entry, by address space; what compares its tag, by whether it is a store's.
    struct TlbPieces {
      Assembler::Piece entry, read_tag, write_tag, addend;
    };
    std::array<TlbPieces, ir::max_spaces> tlb;  ///< by space
    TlbPieces data_tlb;                         ///< of the unit's data space
    Assembler::Piece look_for_events;
    std::vector<Label> blocks;
    std::vector<uint8_t> at_insn_blocks;
    std::vector<uint8_t> ways_in;
    std::vector<uint8_t> wants_vectors;
    std::vector<int64_t> uncounted_before;
    std::vector<StubJump> stub_jumps;
    std::vector<Unlinked> unlinked;
    std::vector<OtherWays> other_ways;
    std::vector<uint8_t> link_of_block;
    std::vector<std::pair<uint32_t, unsigned>> counts;
    std::vector<std::pair<uint64_t, Value>> open_sunk;
    std::vector<std::pair<Value, uint16_t>> exit_values;
    std::vector<std::pair<uint64_t, uint16_t>> owed_sets;
    std::vector<ExitPlace> places;
    std::vector<Link> links;
    std::vector<interp::Step> steps;
    std::vector<StepRun> step_runs;

    void clear();
  };

  Compiler(const ir::Unit& unit, const HostFeatures& host, Sharing sharing, const Thunks& thunks, Workspace& workspace);
  std::unique_ptr<X64Code> run();

 private:
  // Blocks (compiler.cpp).
  void compile_block(ir::BlockId id);
  void compile_instr(const Instr& instr);
  void compile_operation(const Instr& instr);
  std::vector<ir::BlockId> order_blocks();
  uint32_t check_place(uint64_t address);
  void write_linked_entry();
  void check_count();
  void keep_records();
  std::unique_ptr<X64Code> finish();

  // Homes of vectors (vector_homes.cpp).
  void find_vector_users();
  bool uses_vector_home(const Instr& instr) const;
  bool leads_to_vectors(ir::BlockId id) const;
  void want_vectors();
  void write_loading_of_vectors();
  void bring_vectors_back();

  // Where values stand (values.cpp).
  /// The registers of one kind, general or vector, and the values in them.
  struct Registers {
    const Homes::Bank& homes;
    std::array<std::vector<Value>, 16>& held;
    uint32_t pinned = 0;  ///< in use by the instruction at hand
    uint32_t met = 0;     ///< those that may hold anything
  };
  Registers& registers_of(Value value) { return is_vector(value) ? vectors_ : general_; }
  const Registers& registers_of(Value value) const { return is_vector(value) ? vectors_ : general_; }
  int8_t bring(Value value);
  int8_t give(Value value, bool reads_first);
  int8_t give_from(Value value, Value from, uint32_t others);
  void share(Value value, Value from);
  bool dies(Value value) const { return note(value).last_use <= position_; }
  bool is_alone(Value value) const;
  int8_t home_of(uint64_t slot) const;
  int8_t target_of(Value value) const;
  bool is_wanted(const Registers& all, uint8_t reg) const;
  uint32_t needed_until(const Registers& all, uint8_t reg) const;
  int8_t find_free(Registers& all);
  int8_t allocate(Registers& all);
  void move(Value value, int8_t to, int8_t from);
  void fetch(Value value, int8_t reg);
  void hold(Registers& all, Value value, int8_t reg);
  void bind(Value value, int8_t reg);
  void release(Value value);
  bool may_be_cut(int8_t home) const;
  void vacate(Registers& all, int8_t home);
  void evict(Value value);  ///< to its cell
  void evict_all(Registers& all, uint8_t reg);
  void evict_lost_in_calls();
  void evict_homes();
  uint32_t cell_of(Value value);  ///< the value stands there too, from now on
  void assign_cell(Value value);
  void forget_values();

  // Operands and results (operands.cpp).
  enum class Above : uint8_t { zeros, anything };    ///< what is above the bits of a value's type
  Gp use(Value value);                               ///< in a general register
  Gp use_low(Value value);                           ///< the same, with anything above
  Xmm use_vector(Value value);                       ///< in a vector register
  Gp define(Value value, bool reads_first = false);  ///< a register for the result
  Xmm define_vector(Value value, bool reads_first = false);
  Gp define_from(Value value, Value from, Above above = Above::zeros);  ///< the same, which holds `from` already
  Xmm define_vector_from(Value value, Value from);
  void load_constant(const Gp& to, uint64_t constant);
  void load_constant(const Xmm& to, const ir::Vec128& constant);
  void copy_clean(const Gp& to, const Gp& from, Type type);
  bool is_vector(Value value) const { return is_vector_type(type_of(value)); }
  bool is_float(Value value) const { return is_vector(value) && ir::bits(type_of(value)) < 128; }
  static bool is_vector_type(Type type) { return type >= Type::f32; }

  // Integers, conversions and flags (integer.cpp, flags.cpp).
  bool compile_integer(const Instr& instr);
  bool compile_carry(const Instr& instr);
  void arithmetic(const Instr& instr, x86::Inst::Id id);
  bool is_address(const Instr& instr) const;
  void add_as_address(Op op, Value a, Value b);
  void multiply(const Instr& instr);
  bool multiply_high(const Instr& instr);
  void multiply_both(const Instr& instr);
  bool divide(const Instr& instr);
  bool shift(const Instr& instr, x86::Inst::Id id);
  bool count_bits(const Instr& instr, x86::Inst::Id id, bool available);
  bool byte_swap(const Instr& instr);
  bool move_bits(const Instr& instr);
  bool carry_on_crc(const Instr& instr);
  bool select(const Instr& instr);
  void convert(const Instr& instr);
  void zero_extend(Value from, Type narrow);
  bool insert_low(const Instr& instr);
  void bit_cast(const Instr& instr);
  bool compares_with_zero(Value flags) const;
  void set_host_flags(Value flags);
  void flags_of(const Instr& instr);
  void flags_merge(const Instr& instr);
  x86::Mem raw_flags(uint32_t size = 2) const { return state(static_cast<uint32_t>(homes_.flags()), size); }
  void store_counters_flags(const Instr& merge);
  void use_counters_carry(const Instr& merge);
  void step_by_one(const Gp& counted, bool up);
  void count_by_one(const Instr& instr);
  void store_flags(const Instr& instr);
  void get_flags();
  void set_flags(Value value);
  CondCode test_raw_flags(ir::Cond wanted);
  bool carry_waits() const { return carry_ != ir::no_value && note(carry_).last_use > position_; }
  void keep_carry(uint32_t from);
  void use_carry(Value carry);
  void add_with_carry(const Instr& instr, x86::Inst::Id id);
  void carry_out(const Instr& instr);
  bool moves_only(const Instr& instr) const;
  bool leaves_flags(const Instr& instr) const;
  CondCode condition(Value truth);  ///< the host's flags, and what of them says that it holds
  void test(Value value);
  CondCode compare(const Instr& instr);
  std::optional<CondCode> known_relation(const Instr& compare) const;
  CondCode relation(const Instr& compare, bool swapped) const;
  CondCode test_flags(const Instr& cond);
  void truth_value(const Instr& instr);
  void apply(x86::Inst::Id id, const Gp& to, Value right,
             Type type);  ///< two operands, the right one may be a constant
  void clear_above(const Gp& reg, Type type);

  // Floating point and vectors (vector.cpp).
  bool compile_vector(const Instr& instr);
  bool convert_float(const Instr& instr);
  void compare_float(const Instr& instr);
  bool sha256_rounds(const Instr& instr);
  bool shift_lanes(const Instr& instr);
  bool move_lanes(const Instr& instr);
  bool move_slot_lane(const Instr& instr);
  bool move_home_lane(const Instr& instr);

  // Guest memory (memory.cpp).
  void load(const Instr& instr);
  void store(const Instr& instr);
  Gp address_of(Value value);
  x86::Mem operands_of_sum(Value value);
  Place place_of(Value value);
  Gp address_at(const Place& place);
  void access(const Instr& instr, const Place& place, Value value, int8_t reg);
  void look_up(const Gp& address, const Instr& instr, bool write, uint32_t miss);
  void look_up(const Gp& address, int64_t size, ir::Space space, bool write, uint32_t miss);
  bool shares_look() const;
  void look_up(const Neighbours& all, const Place& place, uint32_t alone);
  void transfer(const Instr& instr, const x86::Mem& memory, Value value, int8_t reg);
  void load_from(const x86::Mem& from, Type type, int8_t reg);
  void store_to(const x86::Mem& to, Type type, Value value, int8_t reg);
  int8_t use_to_store(Value value);
  void get(const Instr& instr);
  void set(const Instr& instr);
  void set_home(int8_t home, Value value);

  // Atomic updates (atomic.cpp).
  void atomic(const Instr& instr);
  struct Update {
    Gp to, operands[2] = {};
  };
  void exchange(const Instr& instr, const Update& with);
  void compare_exchange(const Instr& instr, const Update& with);
  void update(const Instr& instr, const Update& with);
  static x86::Mem updated_memory(const Instr& instr);

  // The float stack (float_stack.cpp).
  bool compile_float_stack(const Instr& instr);
  void float_stack_memory(const Instr& instr);

  // What the interpreter or C++ does (call.cpp).
  void interpret(const Instr& instr);
  void call(const Instr& instr);
  enum class Sees : uint8_t { state, nothing };  ///< what a function of C++ does
  void begin_call(Sees sees);
  void call_function(const void* function, Sees sees);
  void take_result(Value value, Type type);
  uint16_t operand_cell(Value value);

  // Places where code goes to C++ (stubs.cpp). Those made last are number last_place().
  ExitPlace& make_place(ExitPlace::Way way, ir::ExitKind kind);
  ExitPlace& make_access(ExitPlace::Way way, const Gp& address, unsigned size, uint64_t space);
  uint32_t last_place() const;
  uint32_t make_exit(ir::ExitKind kind, uint64_t payload);
  uint32_t make_exit_to(const Gp& pc);
  uint32_t make_link(uint64_t pc, uint8_t link);
  uint32_t make_refusal();
  void leave(ir::ExitKind kind, uint64_t payload);
  void owe_steps(ExitPlace& place);
  uint16_t exit_operand(Value value);
  uint32_t share_steps(size_t begin);
  bool is_near(uint64_t pc) const;
  void jump_to_stub(uint32_t number);
  void align_link(uint32_t before);
  void jump_to_stub(CondCode holds, uint32_t number);
  uint32_t stub_offset(uint32_t number) const;
  uint32_t here_in_code() const { return static_cast<uint32_t>(a_.offset()) & 0xff'ffff; }
  void write_stubs();

  // Ways out (exit.cpp).
  void note_set(uint64_t slot, Value set, bool sunk);
  void begin_insn(uint64_t pc);
  void tell_pc(uint64_t pc);
  void set_pc(Value pc, bool sunk);
  void bring_up_to_date();
  void count(int64_t insns);
  void write_pc(uint64_t pc);
  void add_constant(const Gp& to, uint64_t constant);
  bool wants_pc(ir::BlockId target) const;
  void hand_on(ir::BlockId target);
  void count_ways_in();
  bool takes_count(ir::BlockId target) const;
  void hand_on_count(std::initializer_list<ir::BlockId> targets);
  void compile_terminator(const Instr& instr);
  void exit_goto(const Instr& instr);
  void look_up_jump(const Gp& pc, uint32_t miss);
  void write_other_ways();
  void exit_indirect(const Instr& instr);

  // Calls and returns (returns.cpp).
  void push_return(uint64_t pc);
  void jump_back(const Gp& pc);

  void jump(ir::BlockId target);
  void branch(const Instr& instr);
  void exit_if(const Instr& instr);
  void poll();
  void look_for_events();
  bool leads_back(uint64_t pc) const;

  const Instr& at(Value value) const { return unit_.code[value]; }
  Note& note(Value value) { return scratch_.notes[value]; }
  const Note& note(Value value) const { return scratch_.notes[value]; }
  Type type_of(Value value) const { return ir::result_type(unit_, at(value)); }
  Value here() const { return position_; }
  const ir::Slot& slot_of(const Instr& instr) const { return unit_.layout->slots[instr.imm]; }
  bool is_constant(Value value) const { return at(value).op == Op::constant; }
  bool is_zero(Value value) const { return is_constant(value) && at(value).imm == 0; }
  /// Whether an instruction of the host takes it as it stands: 32 bits, sign-extended.
  bool is_immediate(Value value) const {
    return is_constant(value) && (ir::bits(at(value).type) <= 32 || fits(at(value).imm)) &&
           !is_vector_type(at(value).type);
  }
  int32_t immediate(Value value) const;
  /// A field of the ExecContext, whose address is loaded into `by`.
  x86::Mem context(const Gp& by, size_t offset, uint32_t size = 8) {
    a_.mov(by, x86::ptr(x86::rsp, Frame::context));
    return x86::Mem(by, static_cast<int32_t>(offset), size);
  }
  x86::Mem state(uint32_t offset, uint32_t size) const {
    return x86::Mem(x86::rsp, Frame::state + static_cast<int32_t>(offset), size);
  }
  x86::Mem unit_base() const { return state(homes_.unit_base(), 8); }
  /// Of the unit, as its IR tells pcs.
  uint64_t first_pc() const { return unit_.relocatable ? unit_.guest_address & ~ir::page_mask : unit_.guest_pc; }
  bool stays_on_page(uint64_t pc) const {
    return (unit_.guest_address & ~ir::page_mask) + (pc - first_pc()) < ir::page_size;
  }
  x86::Mem cell(uint32_t number, uint32_t size = 8) const { return x86::Mem(x86::rsp, Frame::cell(number), size); }
  static Gp sized(const Gp& reg, Type type);

  const ir::Unit& unit_;
  const HostFeatures& host_;
  const Sharing sharing_;
  const Homes& homes_;
  Workspace& work_;
  Scratch& scratch_ = work_.scratch;
  std::unique_ptr<X64Code> code_;
  Assembler& a_ = work_.assembler;

  uint32_t refused_ = 0;                  ///< the place at which code is that must not begin
  uint32_t stubs_ = 0;                    ///< their offset
  Label vectors_missing_, vectors_back_;  ///< where they are loaded, and goes on
  std::vector<Label>& blocks_ = work_.blocks;
  std::vector<uint8_t>& at_insn_blocks_ = work_.at_insn_blocks;
  std::vector<uint8_t>& ways_in_ = work_.ways_in;  ///< by block: how many, 2 for more
  /// By block: whether it, or a block that it leads to, reads or writes homes of vectors. They are live then.
  std::vector<uint8_t>& wants_vectors_ = work_.wants_vectors;
  std::vector<int64_t>& uncounted_before_ = work_.uncounted_before;  ///< by block: see uncounted_
  std::vector<ExitPlace>& places_ = work_.places;
  std::vector<interp::Step>& steps_ = work_.steps;
  std::vector<StepRun>& step_runs_ = work_.step_runs;
  std::vector<StubJump>& stub_jumps_ = work_.stub_jumps;
  std::vector<OtherWays>& other_ways_ = work_.other_ways;
  std::vector<Unlinked>& unlinked_ = work_.unlinked;  ///< by link
  std::vector<uint8_t>& link_of_block_ = work_.link_of_block;
  /// Where code adds to the count: behind the instruction, and how much.
  std::vector<std::pair<uint32_t, unsigned>>& counts_ = work_.counts;
  /// Slots with the sunk set that has not been superseded.
  std::vector<std::pair<uint64_t, Value>>& open_sunk_ = work_.open_sunk;
  /// Of the exit being made: values with their cells.
  std::vector<std::pair<Value, uint16_t>>& exit_values_ = work_.exit_values;
  std::vector<std::pair<uint64_t, uint16_t>>& owed_sets_ = work_.owed_sets;  ///< slots with the cells of what they get
  uint16_t next_temporary_ = 0;
  uint32_t linked_entry_ = 0, near_entry_ = 0, entry_ = 0;

  Registers general_{homes_.general, scratch_.held}, vectors_{homes_.vectors, scratch_.held_vectors};
  uint32_t values_in_cells_ = 0;

  /// Arithmetic or a comparison, or flags_logic, of which the host's flags still are.
  const Instr* host_flags_ = nullptr;
  Value carry_ = ir::no_value;  ///< what stands in the host's carry flag, perhaps nowhere else yet

  uint32_t position_ = 0;
  ir::BlockId block_ = 0, next_block_ = 0;
  static constexpr int64_t compiled = -1;  ///< in uncounted_before_
  static constexpr uint32_t no_place = ~uint32_t{0};
  uint32_t round_exit_ = no_place;      ///< where a poll leaves that the jump at hand makes the decision of
  uint64_t pc_ = 0;                     ///< of the instruction begun last in this block
  bool pc_lags_ = false;                ///< the pc slot does not hold it yet
  bool at_insn_ = false;                ///< nothing but an `insn` has set the pc last
  int64_t uncounted_ = 0;               ///< instructions begun since the count was brought up to date
  std::optional<uint64_t> returns_to_;  ///< what the way out at hand calls will return to this pc
  bool begun_ = false;                  ///< an instruction has been begun, in this block or before it
};

}  // namespace strata::codegen::x64
