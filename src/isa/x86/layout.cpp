// The slots of the x86 state: where IR finds each register in State.
#include <cstddef>
#include <string>
#include <type_traits>

#include "base/assert.h"
#include "isa/x86/state.h"

namespace strata::isa::x86 {
namespace {

static_assert(std::is_standard_layout_v<State> && std::is_trivially_copyable_v<State>,
              "the state is saved as it stands, and slots are offsets into it");
static_assert(offsetof(State, xmm) % 16 == 0 && offsetof(State, x87) % 16 == 0);
static_assert(sizeof(X87Register) == 16 && offsetof(X87Register, significand) == 0);

constexpr size_t segment_at(unsigned segment) { return offsetof(State, segment) + segment * sizeof(Segment); }

/// Takes slots in the order of SlotNumber, so that a slot's number is its place in the layout.
class Layouter {
 public:
  void slot(ir::SlotId expected, std::string name, size_t offset, ir::Type type) {
    STRATA_ASSERT(expected == layout.slots.size(), "layout() follows SlotNumber");
    layout.slots.push_back({std::move(name), static_cast<uint32_t>(offset), type});
  }

  ir::StateLayout layout;
};

ir::StateLayout make_layout() {
  using ir::Type;
  static constexpr const char* gpr_names[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                              "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
  static constexpr const char* segment_names[] = {"es", "cs", "ss", "ds", "fs", "gs"};
  const auto number = [](unsigned base, unsigned i) { return static_cast<ir::SlotId>(base + i); };

  Layouter at;
  for (unsigned i = 0; i < 16; ++i)
    at.slot(number(slot_gpr, i), gpr_names[i], offsetof(State, gpr) + 8 * Gprs::place(i), Type::i64);
  at.slot(slot_rip, "rip", offsetof(State, rip), Type::i64);
  at.slot(slot_flags, "flags", offsetof(State, flags), Type::i32);
  at.slot(slot_system_flags, "system_flags", offsetof(State, system_flags), Type::i32);
  for (unsigned i = 0; i < 4; ++i)
    at.slot(number(slot_temp, i), "temp" + std::to_string(i), offsetof(State, temp) + 8 * i, Type::i64);
  for (unsigned i = 0; i < 6; ++i)
    at.slot(number(slot_segment_base, i), std::string(segment_names[i]) + "_base",
            segment_at(i) + offsetof(Segment, base), Type::i64);
  for (unsigned i = 0; i < 6; ++i)
    at.slot(number(slot_segment_limit, i), std::string(segment_names[i]) + "_limit",
            segment_at(i) + offsetof(Segment, limit), Type::i32);
  for (unsigned i = 0; i < 6; ++i)
    at.slot(number(slot_segment_selector, i), std::string(segment_names[i]) + "_selector",
            segment_at(i) + offsetof(Segment, selector), Type::i16);
  for (unsigned i = 0; i < 16; ++i)
    at.slot(number(slot_xmm, i), "xmm" + std::to_string(i), offsetof(State, xmm) + 16 * i, Type::v128);
  at.slot(slot_mxcsr, "mxcsr", offsetof(State, mxcsr), Type::i32);
  for (unsigned i = 0; i < 8; ++i)
    at.slot(number(slot_mmx, i), "mmx" + std::to_string(i), offsetof(State, x87) + offsetof(X87, physical) + 16 * i,
            Type::i64);
  at.slot(slot_kernel_gs_base, "kernel_gs_base", offsetof(State, kernel_gs_base), Type::i64);
  at.slot(slot_tsc_aux, "tsc_aux", offsetof(State, tsc_aux), Type::i64);
  at.slot(slot_interrupt_shadow, "interrupt_shadow", offsetof(State, interrupt_shadow), Type::i8);
  const auto x87 = [&](ir::SlotId slot, const char* name, size_t offset, Type type) {
    at.slot(slot, name, offsetof(State, x87) + offset, type);
  };
  x87(slot_x87_status, "x87_status", offsetof(X87, status), Type::i16);
  x87(slot_x87_control, "x87_control", offsetof(X87, control), Type::i16);
  x87(slot_x87_valid, "x87_valid", offsetof(X87, valid), Type::i8);
  x87(slot_x87_opcode, "x87_opcode", offsetof(X87, opcode), Type::i16);
  x87(slot_x87_insn_pointer, "x87_insn_pointer", offsetof(X87, insn_pointer), Type::i64);
  x87(slot_x87_insn_selector, "x87_insn_selector", offsetof(X87, insn_selector), Type::i16);
  x87(slot_x87_data_pointer, "x87_data_pointer", offsetof(X87, data_pointer), Type::i64);
  x87(slot_x87_place, "x87_place", offsetof(X87, place), Type::i8);
  x87(slot_x87_careful, "x87_careful", offsetof(X87, careful), Type::i8);
  for (unsigned i = 0; i < 8; ++i)
    x87(number(slot_mmx_exponent, i), ("mmx_exponent" + std::to_string(i)).c_str(),
        offsetof(X87, physical) + 16 * i + 8, Type::i16);
  at.slot(slot_cr2, "cr2", offsetof(State, cr2), Type::i64);
  at.slot(slot_unit_base, "unit_base", offsetof(State, unit_base), Type::i64);
  STRATA_ASSERT(at.layout.slots.size() == slot_count);

  at.layout.size = sizeof(State);
  at.layout.pc = slot_rip;
  at.layout.flags = slot_flags;
  at.layout.unit_base = slot_unit_base;
  // The order of how often compilers and the calling conventions name them.
  for (const Gpr gpr : {rax, rsp, rcx, rdx, rbx, rsi, rdi, rbp, r8, r12, r13, r9, r14, r15, r10, r11})
    at.layout.hot.push_back(gpr_slot(gpr));
  for (unsigned i = 0; i < 16; ++i) at.layout.hot.push_back(number(slot_xmm, i));
  return std::move(at.layout);
}

}  // namespace

std::array<uint64_t, 16> Gprs::all() const {
  std::array<uint64_t, 16> values;
  for (size_t i = 0; i < values.size(); ++i) values[i] = (*this)[i];
  return values;
}

void Gprs::set_all(const std::array<uint64_t, 16>& values) {
  for (size_t i = 0; i < values.size(); ++i) (*this)[i] = values[i];
}

const ir::StateLayout& layout() {
  static const ir::StateLayout the_layout = make_layout();
  return the_layout;
}

void set_rflags(State& state, uint64_t value) {
  constexpr uint64_t kept = Rflags::tf | Rflags::if_ | Rflags::df | Rflags::iopl | Rflags::nt | Rflags::rf |
                            Rflags::vm | Rflags::ac | Rflags::vif | Rflags::vip | Rflags::id;
  state.flags = static_cast<uint32_t>(value & Rflags::arithmetic);
  state.system_flags = static_cast<uint32_t>((value & kept) | Rflags::fixed);
}

}  // namespace strata::isa::x86
