// The one table from opcode to group: whoever adds a group adds its rows here.
#include "isa/x86/translate/groups.h"

#include <array>

namespace strata::isa::x86 {
namespace {

/// Opcodes first to last of a map. Where rows overlap, their groups are asked in the order of the rows.
struct Row {
  Map map;
  uint8_t first, last;
  Group group;
};

constexpr Map primary = Map::primary, map_0f = Map::map_0f, map_0f38 = Map::map_0f38, map_0f3a = Map::map_0f3a;

// clang-format off
constexpr Row rows[] = {
    {primary, 0x06, 0x07, translate_segment}, {primary, 0x0e, 0x0e, translate_segment},
    {primary, 0x16, 0x17, translate_segment}, {primary, 0x1e, 0x1f, translate_segment},
    {primary, 0x27, 0x27, translate_bcd}, {primary, 0x2f, 0x2f, translate_bcd},
    {primary, 0x37, 0x37, translate_bcd}, {primary, 0x3f, 0x3f, translate_bcd},
    {primary, 0x00, 0x4f, translate_arith},
    {primary, 0x50, 0x61, translate_stack},
    {primary, 0x62, 0x62, translate_segment},
    {primary, 0x63, 0x63, translate_mov}, {primary, 0x63, 0x63, translate_system},  // MOVSXD; ARPL
    {primary, 0x68, 0x68, translate_stack}, {primary, 0x6a, 0x6a, translate_stack},
    {primary, 0x69, 0x69, translate_muldiv}, {primary, 0x6b, 0x6b, translate_muldiv},
    {primary, 0x6c, 0x6f, translate_strings},
    {primary, 0x70, 0x7f, translate_branch},
    {primary, 0x80, 0x85, translate_arith},
    {primary, 0x86, 0x8b, translate_mov}, {primary, 0x8d, 0x8d, translate_mov},
    {primary, 0x8c, 0x8c, translate_segment}, {primary, 0x8e, 0x8e, translate_segment},
    {primary, 0x8f, 0x8f, translate_stack},
    {primary, 0x90, 0x90, translate_io},                                            // NOP, PAUSE
    {primary, 0x90, 0x99, translate_mov},
    {primary, 0x9a, 0x9a, translate_far},
    {primary, 0x9b, 0x9b, translate_x87},                                           // WAIT
    {primary, 0x9c, 0x9d, translate_stack},
    {primary, 0x9e, 0x9f, translate_flags},
    {primary, 0xa0, 0xa3, translate_mov},
    {primary, 0xa4, 0xa7, translate_strings},
    {primary, 0xa8, 0xa9, translate_arith},
    {primary, 0xaa, 0xaf, translate_strings},
    {primary, 0xb0, 0xbf, translate_mov},
    {primary, 0xc0, 0xc1, translate_shift},
    {primary, 0xc2, 0xc3, translate_branch},
    {primary, 0xc4, 0xc5, translate_segment},
    {primary, 0xc6, 0xc7, translate_mov},
    {primary, 0xc8, 0xc9, translate_stack},
    {primary, 0xca, 0xcf, translate_far},
    {primary, 0xd0, 0xd3, translate_shift},
    {primary, 0xd4, 0xd6, translate_bcd},
    {primary, 0xd7, 0xd7, translate_mov},
    {primary, 0xd8, 0xdf, translate_x87},
    {primary, 0xe0, 0xe3, translate_branch},
    {primary, 0xe4, 0xe7, translate_io},
    {primary, 0xe8, 0xe9, translate_branch}, {primary, 0xeb, 0xeb, translate_branch},
    {primary, 0xea, 0xea, translate_far},
    {primary, 0xec, 0xef, translate_io},
    {primary, 0xf1, 0xf1, translate_far},                                           // INT1
    {primary, 0xf4, 0xf4, translate_io},
    {primary, 0xf5, 0xf5, translate_flags},
    {primary, 0xf6, 0xf7, translate_arith}, {primary, 0xf6, 0xf7, translate_muldiv},
    {primary, 0xf8, 0xf9, translate_flags},
    {primary, 0xfa, 0xfb, translate_io},
    {primary, 0xfc, 0xfd, translate_flags},
    {primary, 0xfe, 0xff, translate_arith},                                         // groups 4 and 5
    {primary, 0xff, 0xff, translate_branch}, {primary, 0xff, 0xff, translate_far}, {primary, 0xff, 0xff, translate_stack},

    {map_0f, 0x00, 0x09, translate_system},
    {map_0f, 0x0b, 0x0d, translate_io},                                             // UD2, PREFETCHW
    {map_0f, 0x10, 0x17, translate_sse},
    {map_0f, 0x18, 0x1f, translate_io},                                             // prefetches, NOPs, ENDBR
    {map_0f, 0x20, 0x23, translate_system},
    {map_0f, 0x28, 0x2f, translate_sse},
    {map_0f, 0x30, 0x37, translate_system},
    {map_0f, 0x40, 0x4f, translate_mov},
    {map_0f, 0x50, 0x5f, translate_sse},
    {map_0f, 0x60, 0x7f, translate_sse},
    {map_0f, 0x80, 0x8f, translate_branch},
    {map_0f, 0x90, 0x9f, translate_flags},                                          // SETcc
    {map_0f, 0xa0, 0xa1, translate_segment}, {map_0f, 0xa8, 0xa9, translate_segment},
    {map_0f, 0xa2, 0xa2, translate_system}, {map_0f, 0xaa, 0xaa, translate_system}, // CPUID; RSM
    {map_0f, 0xa3, 0xa3, translate_bits}, {map_0f, 0xab, 0xab, translate_bits},
    {map_0f, 0xa4, 0xa5, translate_shift}, {map_0f, 0xac, 0xad, translate_shift},
    {map_0f, 0xae, 0xae, translate_io}, {map_0f, 0xae, 0xae, translate_sse},        // group 15: fences; MXCSR;
    {map_0f, 0xae, 0xae, translate_xsave}, {map_0f, 0xae, 0xae, translate_system},  // FXSAVE ..; FSGSBASE
    {map_0f, 0xaf, 0xaf, translate_muldiv},
    {map_0f, 0xb0, 0xb1, translate_exchange},
    {map_0f, 0xb2, 0xb2, translate_segment}, {map_0f, 0xb4, 0xb5, translate_segment},
    {map_0f, 0xb3, 0xb3, translate_bits}, {map_0f, 0xb8, 0xb8, translate_bits}, {map_0f, 0xba, 0xbd, translate_bits},
    {map_0f, 0xb6, 0xb7, translate_mov}, {map_0f, 0xbe, 0xbf, translate_mov},
    {map_0f, 0xc0, 0xc1, translate_exchange},
    {map_0f, 0xc2, 0xc2, translate_sse}, {map_0f, 0xc4, 0xc6, translate_sse},
    {map_0f, 0xc3, 0xc3, translate_mov},                                            // MOVNTI
    {map_0f, 0xc7, 0xc7, translate_exchange}, {map_0f, 0xc7, 0xc7, translate_xsave},
    {map_0f, 0xc7, 0xc7, translate_system},                                         // RDRAND RDSEED RDPID
    {map_0f, 0xc8, 0xcf, translate_mov},                                            // BSWAP
    {map_0f, 0xd0, 0xfe, translate_sse},

    {map_0f38, 0x00, 0x41, translate_sse},
    {map_0f38, 0x80, 0x82, translate_system},                                       // INVPCID
    {map_0f38, 0xc8, 0xdf, translate_sse},
    {map_0f38, 0xf0, 0xf1, translate_mov}, {map_0f38, 0xf0, 0xf1, translate_sse},   // MOVBE; CRC32
    {map_0f38, 0xf6, 0xf6, translate_bmi},                                          // ADCX ADOX
    {map_0f3a, 0x08, 0xdf, translate_sse},
};

/// Behind VEX. No AVX is offered yet.
constexpr Row vex_rows[] = {
    {map_0f38, 0xf2, 0xf7, translate_bmi},
    {map_0f3a, 0xf0, 0xf0, translate_bmi},
};
// clang-format on

/// The groups to be asked for an opcode, ended by nullptr.
using Groups = std::array<Group, 5>;
using Index = std::array<std::array<Groups, 256>, 4>;

template <size_t Count>
constexpr Index index_of(const Row (&table)[Count]) {
  Index index{};
  uint8_t filled[4][256] = {};  // counted, for under sanitizers g++ compares no functions at compile time
  for (const Row& row : table) {
    for (unsigned opcode = row.first; opcode <= row.last; ++opcode) {
      const auto map = static_cast<size_t>(row.map);
      index[map][opcode][filled[map][opcode]++] = row.group;
    }
  }
  return index;
}

constexpr Index legacy_index = index_of(rows), vex_index = index_of(vex_rows);

}  // namespace

void translate_insn(Translator& t) {
  const Insn& insn = t.insn;
  const bool vex = insn.vex != Vex::none;
  if (vex && (!t.mode.protected_ || t.mode.vm86)) return t.invalid();
  const Index& index = vex ? vex_index : legacy_index;
  for (Group group : index[static_cast<size_t>(insn.map)][insn.opcode]) {
    if (!group) break;
    if (group(t)) return;
  }
  t.invalid();
}

}  // namespace strata::isa::x86
