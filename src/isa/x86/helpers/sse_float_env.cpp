// The guest's MXCSR while guest code runs, and exceptions that it has not masked (SDM vol. 1, 11.5).
#include "isa/x86/cpu.h"
#include "isa/x86/helpers/define.h"
#include "isa/x86/helpers/sse.h"
#include "isa/x86/host_float.h"
#include "isa/x86/system/control_bits.h"

namespace strata::isa::x86::helpers {
namespace {

using host_float::Mxcsr;

constexpr uint32_t invalid = 1, denormal = 2, divide_by_zero = 4, underflow = 16;
constexpr uint32_t found_before_computing = invalid | denormal | divide_by_zero;
constexpr uint32_t flush_to_zero = 1u << 15;

uint32_t unmasked(uint32_t mxcsr) { return ~(mxcsr >> 7) & Mxcsr::flags; }

uint64_t get_mxcsr(ir::ExecContext& context) { return host_float::current(Cpu::of(context).state.mxcsr); }

uint64_t set_mxcsr(ir::ExecContext& context, uint64_t value) {
  Cpu::of(context).state.mxcsr = static_cast<uint32_t>(value);
  host_float::enter(static_cast<uint32_t>(value));
  return 0;
}

/// With underflow unmasked, nothing is flushed to zero.
uint64_t begin(ir::ExecContext& context) {
  uint32_t& mxcsr = Cpu::of(context).state.mxcsr;
  mxcsr = host_float::current(mxcsr);
  const uint32_t dropped = Mxcsr::flags | (unmasked(mxcsr) & underflow ? flush_to_zero : 0);
  host_float::enter(mxcsr & ~dropped);
  return 0;
}

template <class Word>
bool has_tiny_lane(const ir::Vec128& v, unsigned mantissa_bits) {
  constexpr unsigned width = sizeof(Word) * 8;
  for (const uint64_t half : {v.lo, v.hi}) {
    for (unsigned at = 0; at < 64; at += width) {
      const Word magnitude = static_cast<Word>(static_cast<Word>(half >> at) << 1) >> 1;
      if (magnitude != 0 && magnitude >> mantissa_bits == 0) return true;
    }
  }
  return false;
}

/// Masked, underflow is raised by what is tiny and inexact; unmasked, by all that is tiny.
uint64_t look_for_tiny(ir::ExecContext& context, const ir::Vec128* result, uint64_t lane_bits) {
  if (!(unmasked(Cpu::of(context).state.mxcsr) & underflow)) return 0;
  const bool tiny = lane_bits == 32 ? has_tiny_lane<uint32_t>(*result, 23) : has_tiny_lane<uint64_t>(*result, 52);
  if (tiny) host_float::add_flags(underflow);
  return 0;
}

/// What an exception found before computing stops, raises nothing that computing would have. (PE beside an unmasked OE
/// or UE is by the rounded result, where processors go by the result with an unbounded exponent.)
uint64_t end(ir::ExecContext& context) {
  Cpu& cpu = Cpu::of(context);
  uint32_t& mxcsr = cpu.state.mxcsr;
  uint32_t fresh = host_float::current(0);
  const bool stopped_early = fresh & unmasked(mxcsr) & found_before_computing;
  if (stopped_early) fresh &= found_before_computing;
  mxcsr |= fresh;
  host_float::enter(mxcsr);
  if (!(fresh & unmasked(mxcsr))) return 0;
  return raise(cpu, cpu.state.cr4 & Cr4::osxmmexcpt ? vector_xm : vector_ud);
}

using enum ir::Type;
using ir::HelperEffect;

}  // namespace

const ir::Helper read_mxcsr = define_helper("read_mxcsr", get_mxcsr, i32, {}, HelperEffect::reads_state);
const ir::Helper write_mxcsr = define_helper("write_mxcsr", set_mxcsr, none, {i32}, HelperEffect::state);
const ir::Helper float_begin = define_helper("float_begin", begin, none, {}, HelperEffect::state);
const ir::Helper float_look_for_tiny =
    define_helper("float_look_for_tiny", look_for_tiny, none, {v128, i8}, HelperEffect::reads_state);
const ir::Helper float_end = define_helper("float_end", end, none, {}, HelperEffect::may_exit);

}  // namespace strata::isa::x86::helpers
