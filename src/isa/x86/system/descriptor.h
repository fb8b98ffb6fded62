// Segment and gate descriptors (SDM vol. 3, 3.4.5 and 5.8), and the selectors that name them.
#pragma once

#include <cstdint>

#include "isa/x86/cpu.h"

namespace strata::isa::x86 {

struct Selector {
  uint16_t value;

  constexpr unsigned rpl() const { return value & 3; }
  constexpr bool is_null() const { return (value & ~3) == 0; }
  constexpr bool in_ldt() const { return value & 4; }
  constexpr uint16_t without_rpl() const { return value & 0xfffc; }  ///< the form of error codes
};

/// Types of system descriptors. In long mode the 32-bit numbers mean the 64-bit things.
enum SystemType : uint8_t {
  type_tss16_available = 1,
  type_ldt = 2,
  type_tss16_busy = 3,
  type_call_gate16 = 4,
  type_task_gate = 5,
  type_interrupt_gate16 = 6,
  type_trap_gate16 = 7,
  type_tss32_available = 9,
  type_tss32_busy = 11,
  type_call_gate32 = 12,
  type_interrupt_gate32 = 14,
  type_trap_gate32 = 15,
};

/// The two words as they stand in a table, and for 16-byte descriptors the third.
struct Descriptor {
  uint32_t low = 0;
  uint32_t high = 0;
  uint32_t base_high = 0;

  constexpr uint64_t base() const {
    return uint64_t{base_high} << 32 | (high & 0xff000000) | (high & 0xff) << 16 | low >> 16;
  }
  constexpr uint32_t limit() const {
    const uint32_t raw = (high & 0xf0000) | (low & 0xffff);
    return granular() ? raw << 12 | 0xfff : raw;
  }
  constexpr uint16_t attributes() const { return high >> 8 & 0xf0ff; }
  constexpr uint8_t type() const { return high >> 8 & 15; }
  constexpr bool is_system() const { return !(high & 1u << 12); }
  constexpr unsigned dpl() const { return high >> 13 & 3; }
  constexpr bool present() const { return high & 1u << 15; }
  constexpr bool is_long() const { return high & 1u << 21; }
  constexpr bool is_32bit() const { return high & 1u << 22; }
  constexpr bool granular() const { return high & 1u << 23; }

  // Of code and data descriptors.
  constexpr bool is_code() const { return !is_system() && (type() & 8); }
  constexpr bool is_conforming() const { return is_code() && (type() & 4); }
  constexpr bool is_readable() const { return !is_system() && (!(type() & 8) || (type() & 2)); }
  constexpr bool is_writable_data() const { return !is_system() && (type() & 10) == 2; }

  // Of gates.
  constexpr uint16_t gate_selector() const { return low >> 16; }
  constexpr uint64_t gate_offset() const { return uint64_t{base_high} << 32 | (high & 0xffff0000) | (low & 0xffff); }
  constexpr uint8_t gate_parameters() const { return high & 31; }
  constexpr uint8_t gate_stack() const { return high & 7; }  ///< IST, in long mode

  constexpr Segment segment(uint16_t selector) const { return {base(), limit(), selector, attributes()}; }
};

/// Attribute bits of a loaded segment.
struct SegmentAttribute {
  static constexpr uint16_t accessed = 1, writable = 2, readable = 2, conforming = 4, expand_down = 4, code = 8,
                            code_or_data = 1 << 4, present = 1 << 7, long_ = 1 << 13, big = 1 << 14, granular = 1 << 15;
};

constexpr unsigned dpl_of(const Segment& segment) { return segment.attributes >> 5 & 3; }

/// Reads the descriptor that a selector names; 16 bytes where `wide`. A selector beyond its table raises `vector` with
/// the selector as error code.
bool read_descriptor(Cpu& cpu, Selector selector, Descriptor& out, uint8_t vector = vector_gp, bool wide = false);

/// Sets bits in the descriptor's second word in its table: accessed or busy.
bool mark_descriptor(Cpu& cpu, Selector selector, const Descriptor& descriptor, uint32_t set, uint32_t clear = 0);

/// Sets the accessed bit, in the table and in `descriptor`, if it is not set.
bool mark_accessed(Cpu& cpu, Selector selector, Descriptor& descriptor);

constexpr bool in_long_mode(const State& s) { return s.efer & 1u << 10; }
constexpr bool is_protected(const State& s) { return s.cr0 & 1; }
constexpr bool is_vm86(const State& s) { return s.system_flags & Rflags::vm; }
/// Protected mode proper: selectors name descriptors.
constexpr bool uses_descriptors(const State& s) { return is_protected(s) && !is_vm86(s); }
constexpr bool in_64bit_code(const State& s) {
  return in_long_mode(s) && (s.segment[cs].attributes & SegmentAttribute::long_);
}

}  // namespace strata::isa::x86
