// The SSE group, to which MMX belongs: finds an instruction's row, checks what the row demands, and lets its emitter work.
#include "isa/x86/translate/sse.h"

#include <array>
#include <vector>

#include "base/assert.h"
#include "isa/x86/translate/groups.h"

namespace strata::isa::x86 {
namespace {

using sse::Form;
using sse::Row;

unsigned prefix_index(uint8_t simd_prefix) {
  switch (simd_prefix) {
    case 0x66: return 1;
    case 0xf3: return 2;
    case 0xf2: return 3;
    default: return 0;
  }
}

/// Rows by map, prefix and opcode.
class Index {
 public:
  Index() {
    for (const auto rows :
         {sse::move_rows(), sse::float_rows(), sse::float_shape_rows(), sse::convert_rows(), sse::integer_rows(),
          sse::lane_rows(), sse::crypto_rows(), sse::string_rows(), sse::mmx_rows(), sse::mmx_only_rows()}) {
      for (const Row& row : rows) add(row);
    }
  }

  const Row* find(const Insn& insn) const {
    return insn.map == Map::primary ? nullptr : rows_[place(insn.map)][prefix_index(insn.simd_prefix)][insn.opcode];
  }

 private:
  static size_t place(Map map) { return static_cast<size_t>(map) - static_cast<size_t>(Map::map_0f); }

  void add(const Row& row) {
    for (unsigned prefix = 0; prefix < 4; ++prefix) {
      if (!(row.prefixes >> prefix & 1)) continue;
      const Row*& cell = rows_[place(row.map)][prefix][row.opcode];
      STRATA_ASSERT(cell == nullptr, "two rows for one SSE instruction");
      cell = &row;
    }
  }

  std::array<std::array<std::array<const Row*, 256>, 4>, 3> rows_{};
};

}  // namespace

bool translate_sse(Translator& t) {
  static const Index index;
  if (sse::translate_mxcsr(t)) return true;
  const Row* row = index.find(t.insn);
  if (row == nullptr) return false;
  const bool wrong_form = t.insn.is_register_form() ? row->form == Form::memory : row->form == Form::registers;
  if (wrong_form) return t.invalid(), true;
  if (sse::is_mmx(t)) return sse::emit_mmx(t, *row), true;
  if (row->form == Form::general || !t.sse_unusable()) row->emit(t, *row);
  return true;
}

}  // namespace strata::isa::x86
