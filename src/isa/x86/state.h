// The registers of one x86 processor, and the slots through which IR reaches them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "ir/unit.h"

namespace strata::isa::x86 {

enum Gpr : uint8_t { rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15 };
enum SegmentName : uint8_t { es, cs, ss, ds, fs, gs, segment_count, no_segment = 255 };

/// The bits of RFLAGS (SDM vol. 1, 3.4.3).
struct Rflags {
  static constexpr uint64_t cf = 1u << 0, fixed = 1u << 1, pf = 1u << 2, af = 1u << 4, zf = 1u << 6, sf = 1u << 7,
                            tf = 1u << 8, if_ = 1u << 9, df = 1u << 10, of = 1u << 11, iopl = 3u << 12, nt = 1u << 14,
                            rf = 1u << 16, vm = 1u << 17, ac = 1u << 18, vif = 1u << 19, vip = 1u << 20, id = 1u << 21;
  /// The six that IR computes; they live in State::flags, in the same places as in ir::Flag.
  static constexpr uint64_t arithmetic = cf | pf | af | zf | sf | of;
};

/// A segment register with its hidden part. Attributes as in bits 8..23 of a descriptor's second word: type 0..3, S 4,
/// DPL 5..6, P 7, AVL 12, L 13, D/B 14, G 15. The limit is in bytes, G already applied.
struct Segment {
  uint64_t base;
  uint32_t limit;
  uint16_t selector;
  uint16_t attributes;
};

struct Table {
  uint64_t base;
  uint16_t limit;
};

/// One x87 data register in its 80-bit memory form. MMX register i is the significand of physical register i.
struct alignas(16) X87Register {
  uint64_t significand;
  uint16_t sign_exponent;
};

/// Where the x87 state is, and what is known of it. Code translated for the ordinary case looks at this only.
enum class X87Place : uint8_t {
  memory,  ///< in State, and it may be anything
  unit,    ///< on the host's unit (fpu/x87_unit.h): of State::x87 only what no unit holds is right
  mmx,     ///< in State as MMX registers: TOP is 0, none is empty
};

struct X87 {
  std::array<X87Register, 8> physical;  ///< R0..R7; ST(i) is R[(top + i) & 7]
  uint16_t control;
  uint16_t status;  ///< TOP in bits 11..13
  uint8_t valid;    ///< bit i: R[i] is not empty (the abridged tag word of FXSAVE)
  uint16_t opcode;
  uint64_t insn_pointer, data_pointer;
  uint16_t insn_selector, data_selector;
  X87Place place;
  bool careful;  ///< the next unit is of one instruction that takes nothing for granted (Mode::x87_careful)
};

/// An exception or software interrupt on its way to delivery.
struct Event {
  enum Type : uint8_t { none, exception, software_interrupt, software_exception, external, nmi };
  Type type;
  uint8_t vector;
  bool has_error;
  uint32_t error;
  uint64_t address;  ///< for page faults: what goes to CR2
};

/// The general registers by number. R8 to R15 stand first: back ends have registers of the host for the others.
class Gprs {
 public:
  static constexpr size_t place(size_t number) { return number ^ r8; }
  uint64_t& operator[](size_t number) { return words_[place(number)]; }
  const uint64_t& operator[](size_t number) const { return words_[place(number)]; }

  std::array<uint64_t, 16> all() const;
  void set_all(const std::array<uint64_t, 16>& values);

 private:
  std::array<uint64_t, 16> words_;
};

/// Standard layout, no pointers: it is saved as it stands. IR sees the slots below, helpers see the struct. What translated
/// code reads and writes most comes first: instructions that reach it are short.
struct State {
  uint64_t unit_base;     ///< no register: the page of the rip with which the translated code that runs was entered
  uint32_t flags;         ///< CF PF AF ZF SF OF in their RFLAGS places, all else 0
  uint32_t system_flags;  ///< every other bit of RFLAGS, bit 1 set
  uint64_t rip;           ///< offset in CS
  Gprs gpr;
  std::array<uint64_t, 4> temp;  ///< for values that cross blocks inside one instruction
  std::array<ir::Vec128, 16> xmm;
  uint32_t mxcsr;
  X87 x87;

  std::array<Segment, 6> segment;
  Segment ldtr, tr;
  Table gdtr, idtr;
  uint8_t cpl;
  uint64_t cr0, cr2, cr3, cr4, cr8, xcr0, efer;
  std::array<uint64_t, 8> dr;
  uint64_t star, lstar, cstar, syscall_mask, kernel_gs_base;
  uint64_t sysenter_cs, sysenter_esp, sysenter_eip;
  uint64_t tsc_offset, tsc_aux, pat, misc_enable, xss;
  uint64_t pvclock;  ///< where the paravirtual clock stands, bit 0: in use
  std::array<uint64_t, 11> mtrr_fixed;
  std::array<uint64_t, 16> mtrr_variable;
  uint64_t mtrr_default_type;

  uint8_t interrupt_shadow;  ///< 1: the next instruction takes no interrupt (STI); 2: nor a debug trap (MOV SS)
  bool halted;
  bool nmi_blocked;  ///< from the delivery of one to the next IRET
  Event event;       ///< raised and not yet delivered
};

/// The slots, in the order of layout(). gpr_slot(i) and so on give them by number.
enum SlotNumber : ir::SlotId {
  slot_gpr = 0,                                    // 16 × i64
  slot_rip = 16,                                   // i64
  slot_flags,                                      // i32
  slot_system_flags,                               // i32
  slot_temp,                                       // 4 × i64
  slot_segment_base = slot_temp + 4,               // 6 × i64
  slot_segment_limit = slot_segment_base + 6,      // 6 × i32
  slot_segment_selector = slot_segment_limit + 6,  // 6 × i16
  slot_xmm = slot_segment_selector + 6,            // 16 × v128
  slot_mxcsr = slot_xmm + 16,                      // i32
  slot_mmx,                                        // 8 × i64, the significands of the physical x87 registers
  slot_kernel_gs_base = slot_mmx + 8,              // i64
  slot_tsc_aux,                                    // i64
  slot_interrupt_shadow,                           // i8
  slot_x87_status,                                 // i16
  slot_x87_control,                                // i16
  slot_x87_valid,                                  // i8
  slot_x87_opcode,                                 // i16
  slot_x87_insn_pointer,                           // i64
  slot_x87_insn_selector,                          // i16
  slot_x87_data_pointer,                           // i64
  slot_x87_place,                                  // i8, an X87Place
  slot_x87_careful,                                // i8
  slot_mmx_exponent,                               // 8 × i16, beside the significands
  slot_cr2 = slot_mmx_exponent + 8,                // i64
  slot_unit_base,                                  // i64
  slot_count
};

constexpr ir::SlotId gpr_slot(unsigned number) { return static_cast<ir::SlotId>(slot_gpr + number); }
constexpr ir::SlotId xmm_slot(unsigned number) { return static_cast<ir::SlotId>(slot_xmm + number); }
constexpr ir::SlotId temp_slot(unsigned number) { return static_cast<ir::SlotId>(slot_temp + number); }
constexpr ir::SlotId segment_base_slot(unsigned name) { return static_cast<ir::SlotId>(slot_segment_base + name); }
constexpr ir::SlotId segment_limit_slot(unsigned name) { return static_cast<ir::SlotId>(slot_segment_limit + name); }
constexpr ir::SlotId segment_selector_slot(unsigned name) {
  return static_cast<ir::SlotId>(slot_segment_selector + name);
}

const ir::StateLayout& layout();

constexpr uint64_t rflags(const State& state) { return state.flags | state.system_flags; }
void set_rflags(State& state, uint64_t value);

}  // namespace strata::isa::x86
