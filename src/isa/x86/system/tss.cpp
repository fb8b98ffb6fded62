// What the processor reads out of task state segments.
#include "isa/x86/system/tss.h"

#include "isa/x86/system/linear.h"
#include "isa/x86/system/paging.h"

namespace strata::isa::x86 {
namespace {

bool is_tss32(const State& s) { return (s.tr.attributes & 15) >= type_tss32_available; }

bool read_long_tss(Cpu& cpu, uint32_t offset, uint64_t& pointer) {
  const State& s = cpu.state;
  if (offset + 7 > s.tr.limit) return fault(cpu, vector_ts, s.tr.selector & 0xfffc);
  if (!read_linear(cpu, s.tr.base + offset, pointer)) return false;
  return is_canonical(pointer) || fault(cpu, vector_ss, 0);
}

}  // namespace

bool read_inner_stack(Cpu& cpu, unsigned cpl, Selector& selector, uint64_t& pointer) {
  const State& s = cpu.state;
  const unsigned size = is_tss32(s) ? 4 : 2;
  const uint32_t offset = size == 4 ? 4 + cpl * 8 : 2 + cpl * 4;
  if (offset + 2 * size - 1 > s.tr.limit) return fault(cpu, vector_ts, s.tr.selector & 0xfffc);
  uint64_t value;
  if (!read_linear(cpu, s.tr.base + offset, size, pointer, space_supervisor)) return false;
  if (!read_linear(cpu, s.tr.base + offset + size, 2, value, space_supervisor)) return false;
  selector = Selector{static_cast<uint16_t>(value)};
  return true;
}

bool read_rsp(Cpu& cpu, unsigned cpl, uint64_t& pointer) { return read_long_tss(cpu, 4 + cpl * 8, pointer); }

bool read_ist(Cpu& cpu, unsigned number, uint64_t& pointer) { return read_long_tss(cpu, 28 + number * 8, pointer); }

bool check_io_bitmap(Cpu& cpu, uint16_t port, unsigned size) {
  const State& s = cpu.state;
  constexpr uint32_t map_base_field = 0x66;
  if (!is_tss32(s) || map_base_field + 1 > s.tr.limit) return fault(cpu, vector_gp, 0);
  uint16_t map_base;
  if (!read_linear(cpu, s.tr.base + map_base_field, map_base)) return false;
  const uint32_t at = map_base + port / 8u;
  if (at + 1 > s.tr.limit) return fault(cpu, vector_gp, 0);  // two bytes are read always (SDM vol. 1, 19.5.2)
  uint16_t bits;
  if (!read_linear(cpu, s.tr.base + at, bits)) return false;
  const unsigned wanted = ((1u << size) - 1) << (port & 7);
  return !(bits & wanted) || fault(cpu, vector_gp, 0);
}

}  // namespace strata::isa::x86
