// Descriptors in memory.
#include "isa/x86/system/descriptor.h"

#include "isa/x86/system/linear.h"

namespace strata::isa::x86 {
namespace {

uint64_t descriptor_address(const State& s, Selector selector) {
  return (selector.in_ldt() ? s.ldtr.base : s.gdtr.base) + (selector.value & 0xfff8u);
}

}  // namespace

bool read_descriptor(Cpu& cpu, Selector selector, Descriptor& out, uint8_t vector, bool wide) {
  const State& s = cpu.state;
  const bool ldt_unusable = selector.in_ldt() && !(s.ldtr.attributes & SegmentAttribute::present);
  const uint32_t limit = selector.in_ldt() ? s.ldtr.limit : s.gdtr.limit;
  if (ldt_unusable || (selector.value & 0xfff8u) + (wide ? 15 : 7) > limit) {
    return fault(cpu, vector, selector.without_rpl());
  }
  out = {};
  const uint64_t at = descriptor_address(s, selector);
  uint64_t words;
  if (!read_linear(cpu, at, words)) return false;
  out.low = static_cast<uint32_t>(words);
  out.high = static_cast<uint32_t>(words >> 32);
  return !wide || read_linear(cpu, at + 8, out.base_high);
}

bool mark_descriptor(Cpu& cpu, Selector selector, const Descriptor& descriptor, uint32_t set, uint32_t clear) {
  return write_linear(cpu, descriptor_address(cpu.state, selector) + 4, (descriptor.high & ~clear) | set);
}

bool mark_accessed(Cpu& cpu, Selector selector, Descriptor& descriptor) {
  constexpr uint32_t accessed = 1u << 8;
  if (descriptor.high & accessed) return true;
  if (!mark_descriptor(cpu, selector, descriptor, accessed)) return false;
  descriptor.high |= accessed;
  return true;
}

}  // namespace strata::isa::x86
