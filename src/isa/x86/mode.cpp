// How the mode follows from the state, and how it is packed.
#include "isa/x86/mode.h"

#include <array>
#include <utility>

#include "isa/x86/system/control_bits.h"
#include "isa/x86/system/debug.h"

namespace strata::isa::x86 {
namespace {

constexpr uint64_t mxcsr_masks = 0x1f80;
constexpr uint16_t x87_masks = 0x3f;
constexpr uint16_t attribute_long = 1u << 13, attribute_big = 1u << 14;

/// Present, data, writable, not expand-down, 4 GiB: no access to it can fail by its limit or type.
bool is_open(const Segment& segment) {
  constexpr uint16_t looked_at = 0x9e, writable_data = 0x92;
  return segment.limit == 0xffff'ffff && (segment.attributes & looked_at) == writable_data;
}

bool is_flat(const Segment& segment) { return segment.base == 0 && is_open(segment); }

/// The flags of a mode in the order of their bits in the packed form.
constexpr std::array flags_in_order = {
    &Mode::stack32,         &Mode::protected_, &Mode::vm86,        &Mode::long_,       &Mode::flat_data,
    &Mode::flat_stack,      &Mode::flat_code,  &Mode::open_fs,     &Mode::open_gs,     &Mode::ac,
    &Mode::alignment_check, &Mode::trap,       &Mode::x87_blocked, &Mode::emulate_x87, &Mode::task_switched,
    &Mode::monitor_x87,     &Mode::sse,        &Mode::xsave,       &Mode::float_traps, &Mode::shadow,
    &Mode::breakpoints,     &Mode::x87_faults, &Mode::x87_traps,   &Mode::x87_careful, &Mode::smap,
};
constexpr unsigned flags_shift = 4;  ///< below them: code size (2 bits) and CPL (2 bits)

}  // namespace

Mode Mode::of(const State& state) {
  const Segment& code = state.segment[cs];
  const uint64_t system_flags = state.system_flags;
  Mode mode;
  mode.long_ = state.efer & Efer::lma;
  mode.cpl = state.cpl;
  mode.protected_ = state.cr0 & Cr0::pe;
  mode.vm86 = system_flags & Rflags::vm;
  if (mode.long_ && (code.attributes & attribute_long)) {
    mode.code_bits = 64;
    mode.flat_data = mode.flat_stack = mode.flat_code = mode.open_fs = mode.open_gs = true;
  } else {
    mode.code_bits = code.attributes & attribute_big ? 32 : 16;
    mode.stack32 = state.segment[ss].attributes & attribute_big;
    mode.flat_data = is_flat(state.segment[ds]) && is_flat(state.segment[es]);
    mode.flat_stack = is_flat(state.segment[ss]);
    mode.flat_code = code.base == 0 && code.limit == 0xffff'ffff;
    mode.open_fs = is_open(state.segment[fs]);
    mode.open_gs = is_open(state.segment[gs]);
  }
  const bool ac = system_flags & Rflags::ac;
  mode.smap = state.cr4 & Cr4::smap;
  mode.ac = ac && mode.cpl != 3 && mode.smap;
  mode.alignment_check = ac && mode.cpl == 3 && (state.cr0 & Cr0::am);
  mode.trap = system_flags & Rflags::tf;
  mode.emulate_x87 = state.cr0 & Cr0::em;
  mode.task_switched = state.cr0 & Cr0::ts;
  mode.x87_blocked = mode.emulate_x87 || mode.task_switched;
  mode.monitor_x87 = state.cr0 & Cr0::mp;
  mode.x87_faults = state.cr0 & Cr0::ne;
  mode.x87_traps = (state.x87.control & x87_masks) != x87_masks;
  mode.x87_careful = state.x87.careful;
  mode.sse = (state.cr4 & Cr4::osfxsr) && !mode.emulate_x87;
  mode.xsave = state.cr4 & Cr4::osxsave;
  mode.float_traps = (state.mxcsr & mxcsr_masks) != mxcsr_masks;
  mode.shadow = state.interrupt_shadow != 0;
  mode.breakpoints = (system_flags & Rflags::rf) || has_breakpoints(state);
  return mode;
}

namespace {

/// Written out for each flag, as it is asked for behind every indirect jump, and by each unit.
template <size_t... Index>
uint64_t pack_flags(const Mode& mode, std::index_sequence<Index...>) {
  return ((uint64_t{mode.*flags_in_order[Index]} << (flags_shift + Index)) | ...);
}

template <size_t... Index>
void unpack_flags(uint64_t packed, Mode& mode, std::index_sequence<Index...>) {
  ((mode.*flags_in_order[Index] = packed >> (flags_shift + Index) & 1), ...);
}

}  // namespace

uint64_t Mode::pack() const {
  const uint64_t sizes = code_bits / 32u | uint64_t{cpl} << 2;  // 16, 32, 64: 0, 1, 2
  return sizes | pack_flags(*this, std::make_index_sequence<flags_in_order.size()>{});
}

uint64_t Mode::packed(const State& state) { return of(state).pack(); }

Mode Mode::unpack(uint64_t packed) {
  Mode mode;
  mode.code_bits = static_cast<uint8_t>(16u << (packed & 3));
  mode.cpl = packed >> 2 & 3;
  unpack_flags(packed, mode, std::make_index_sequence<flags_in_order.size()>{});
  return mode;
}

}  // namespace strata::isa::x86
