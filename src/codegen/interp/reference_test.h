// For the tests: IR run instruction by instruction, as its definition reads and with no thought of speed.
#pragma once

#include <cstring>
#include <optional>
#include <random>
#include <vector>

#include "ir/state_memory_test.h"
#include "ir/unit.h"

namespace strata::codegen::interp {

/// A value of any type; scalars in lo, with zeros above them.
using Datum = ir::Vec128;

/// What an operation that only computes gives for these operands.
Datum compute(const ir::Unit& unit, const ir::Instr& instr, const std::vector<Datum>& operands);
/// The same for vectors, in vector_model_test.cpp, and for floats, in float_model_test.cpp.
Datum compute_vector(const ir::Instr& instr, ir::Type scalar, const std::vector<Datum>& operands);
Datum compute_float(const ir::Instr& instr, ir::Type from, const std::vector<Datum>& operands);
bool is_float_operation(ir::Op op);

/// Guest memory of a test: pages at `base`, some of which no one may use, some of which only the slow path knows.
/// It keeps a journal of slow accesses.
class TestMemory final : public ir::SlowMemory {
 public:
  static constexpr uint64_t base = 0x40000, pages = 6;
  enum Kind : uint8_t { plain, read_only, refused, device };

  TestMemory();
  void set_kind(unsigned page, Kind kind);
  Kind kind_of(uint64_t address) const;
  ir::Tlb& tlb() { return tlb_; }
  std::byte* at(uint64_t address) { return bytes_.data() + (address - base); }
  std::vector<std::byte>& bytes() { return bytes_; }

  bool load(uint64_t address, unsigned size, ir::Space space, void* out) override;
  bool store(uint64_t address, unsigned size, ir::Space space, const void* in) override;
  void* pin_for_update(uint64_t address, unsigned size, ir::Space space, bool* through_slow_path) override;

  unsigned slow_loads = 0, slow_stores = 0;
  ir::Space last_space = 0;

 private:
  bool allowed(uint64_t address, unsigned size, bool write) const;

  std::vector<std::byte> bytes_;
  std::vector<Kind> kinds_;
  ir::Tlb tlb_;
};

/// Everything that running a unit can change.
struct World {
  explicit World(const ir::StateLayout& layout) : state(layout.size + 16) {
    context.state = state.data();
    context.tlb.fill(&memory.tlb());
    context.memory = &memory;
  }
  World(const World&) = delete;

  std::byte* slot(const ir::Slot& slot) { return state.data() + slot.offset; }
  void set(const ir::Slot& slot, const Datum& value);
  Datum get(const ir::Slot& slot);

  ir::StateMemory state;
  TestMemory memory;
  ir::ExecContext context;
  ir::RunResult result;
};

/// Runs the unit. Sunk sets are done where they stand, for only exits can tell; instructions are counted as they begin,
/// and taken back where they are not done.
void run_plainly(const ir::Unit& unit, World& world);

/// Numbers that find mistakes: the edges of widths, and random ones.
uint64_t edgy(std::mt19937_64& random);

}  // namespace strata::codegen::interp
