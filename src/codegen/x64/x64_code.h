// A translated unit: its host code, and what is needed to leave it at each of its exits.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "codegen/backend.h"
#include "codegen/interp/step.h"
#include "codegen/x64/code_memory.h"
#include "codegen/x64/jump_table.h"
#include "codegen/x64/thunks.h"

namespace strata::codegen::x64 {

/// A place where the unit may be left in the middle of a block, and how the state is made exact there.
struct ExitPlace {
  uint64_t pc = 0;
  uint64_t payload = 0;
  uint32_t first_step = 0;  ///< the steps that do the sunk sets that are owed
  uint16_t insns = 0;       ///< begun since the count was brought up to date
  ir::ExitKind kind = ir::ExitKind::next;
  bool from_helper : 1 = false;  ///< kind and payload stand in the context
  bool pc_lags : 1 = false;      ///< the pc slot does not hold `pc` yet
  bool begun : 1 = false;        ///< an instruction has been begun
  bool at_insn : 1 = false;      ///< the pc is that of an instruction yet to be done, or done anew
  bool owes : 1 = false;         ///< there are steps
};
static_assert(sizeof(ExitPlace) == 24, "there are many");

/// What host code reads beside itself; stands behind it, in the same memory.
struct CodeData {
  const void* code = nullptr;  ///< the X64Code, as ExecContext::running has it
  uint64_t page = no_page;     ///< see Code::set_place
  uint64_t page_behind = no_page;

  static constexpr uint64_t no_page = ~uint64_t{0};
};

class X64Code final : public Code {
 public:
  explicit X64Code(CodeMemory& memory) : memory_(memory) {}
  ~X64Code() override;
  size_t bytes() const override {
    return sizeof *this + span.size + exits.size() * sizeof(ExitPlace) + steps.size() * sizeof(interp::Step);
  }

  HostCode host_code() const override { return {{span.run, seldom}, {span.run + seldom, end - seldom}}; }

  void set_place(uint64_t page, uint64_t page_behind) override;
  void set_invalid() override;
  void set_link(uint8_t link, Code& next) override;
  void unlink() override;
  void write_data();  ///< once the code stands in memory
  void note_jump(JumpTable::Entry& jump);

  CodeSpan span;
  const Thunks* thunks = nullptr;
  uint32_t entry = 0;             ///< offsets in the span: where the engine begins it
  uint32_t linked_entry = 0;      ///< where other code begins it
  uint32_t seldom = 0;            ///< where slow paths and exits begin
  uint32_t end = 0;               ///< of the instructions
  uint32_t near_entry = 0;        ///< where code of the same page does
  uint32_t data = 0;              ///< the CodeData, then for each link the address to jump to
  uint32_t pc_offset = 0;         ///< of the pc slot in the state
  uint32_t unit_base_offset = 0;  ///< of that slot
  bool relocatable = false;       ///< the pcs of exits are to be added to it
  bool crosses = false;           ///< into a second page
  struct Link {
    uint32_t unlinked;      ///< the offset of the code that leaves with it
    bool stays;             ///< it leads to the page in which this code begins
    X64Code* to = nullptr;  ///< where it leads now
    size_t place = 0;       ///< in the other's `incoming`
  };
  std::vector<Link> links;
  /// Links of other code, and this one's, that lead here.
  struct Incoming {
    X64Code* from;
    uint8_t link;
  };
  std::vector<Incoming> incoming;
  std::vector<JumpTable::Entry*> jumps;  ///< that have led here; some may lead elsewhere now
  std::vector<ExitPlace> exits;
  std::vector<interp::Step> steps;
  std::vector<std::unique_ptr<interp::Step[]>> inline_steps;  ///< that host code names by address

 private:
  template <class T>
  void write_data(size_t offset, const T& value);
  void cut(size_t link);
  bool leads_here(const JumpTable::Entry& jump) const { return jump.code == this; }

  CodeMemory& memory_;
};

}  // namespace strata::codegen::x64
