// Segment limits and types (SDM vol. 3, 5.3 to 5.5).
#include "isa/x86/helpers/segment_check.h"

#include "isa/x86/cpu.h"
#include "isa/x86/helpers/define.h"
#include "isa/x86/system/control_bits.h"

namespace strata::isa::x86::helpers {
namespace {

constexpr uint16_t type_code = 8, type_expand_down = 4, type_writable = 2 /* data */, type_readable = 2 /* code */;
constexpr uint16_t attribute_present = 0x80, attribute_big = 1u << 14;

bool type_allows(const Segment& segment, bool write) {
  if (!(segment.attributes & attribute_present)) return false;  // a null selector is kept as not present
  if (segment.attributes & type_code) return !write && (segment.attributes & type_readable);
  return !write || (segment.attributes & type_writable);
}

bool limit_allows(const Segment& segment, uint64_t first, uint64_t last) {
  const bool expands_down = (segment.attributes & (type_code | type_expand_down)) == type_expand_down;
  if (!expands_down) return last <= segment.limit;
  const uint64_t top = segment.attributes & attribute_big ? 0xffff'ffff : 0xffff;
  return first > segment.limit && last <= top;
}

uint64_t segment_refuses_access(ir::ExecContext& context, uint64_t name, uint64_t offset, uint64_t size,
                                uint64_t write) {
  const Segment& segment = Cpu::of(context).state.segment[name];
  return !type_allows(segment, write != 0) || !limit_allows(segment, offset, offset + size - 1);
}

}  // namespace

bool segment_refuses_now(const State& state, SegmentName name, uint64_t offset, uint64_t size, bool write) {
  const Segment& segment = state.segment[name];
  const bool checks_type = (state.cr0 & Cr0::pe) && !(state.system_flags & Rflags::vm);
  if (!checks_type) return offset + size - 1 > segment.limit;
  return !type_allows(segment, write) || !limit_allows(segment, offset, offset + size - 1);
}

using enum ir::Type;
const ir::Helper segment_refuses =
    define_helper("segment_refuses", segment_refuses_access, i1, {i8, i64, i16, i8}, ir::HelperEffect::reads_state);

}  // namespace strata::isa::x86::helpers
