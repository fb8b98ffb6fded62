// A translated unit: its host code, and what leads to it and from it.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "codegen/backend.h"
#include "codegen/interp/step.h"
#include "codegen/x64/code_memory.h"
#include "codegen/x64/exit_place.h"
#include "codegen/x64/jump_table.h"
#include "codegen/x64/thunks.h"

namespace strata::codegen::x64 {

class X64Code final : public Code {
 public:
  explicit X64Code(CodeMemory& memory) : memory_(memory) {}
  ~X64Code() override;
  size_t bytes() const override { return sizeof *this + span.size; }

  HostCode host_code() const override { return {{span.run, seldom}, {span.run + seldom, end - seldom}}; }

  void set_place(uint64_t page, uint64_t page_behind) override;
  void set_invalid() override;
  void set_link(uint8_t link, Code& next) override;
  void unlink() override;
  void write_data();                   ///< once the code stands in memory
  void begin(std::byte* state) const;  ///< what `entry` wants besides the pc
  void note_jump(JumpTable::Entry& jump);
  const interp::Step* steps() const { return reinterpret_cast<const interp::Step*>(span.run + first_step); }

  CodeSpan span;
  const Thunks* thunks = nullptr;
  uint32_t entry = 0;             ///< offsets in the span: where the engine begins it, the pc slot holding its pc
  uint32_t linked_entry = 0;      ///< where other code begins it
  uint32_t seldom = 0;            ///< where slow paths and exits begin
  uint32_t end = 0;               ///< of the instructions
  uint32_t near_entry = 0;        ///< where code of the same page does
  uint32_t data = 0;              ///< the CodeData, then for each link the address to jump to
  uint32_t first_step = 0;        ///< the interpreter's steps, of places and of operations left to it
  uint32_t first_place = 0;       ///< the ExitPlaces
  uint32_t pc_offset = 0;         ///< of the pc slot in the state
  uint32_t unit_base_offset = 0;  ///< of that slot
  uint64_t first_pc = 0;          ///< from which places count theirs
  bool relocatable = false;       ///< pcs of places are to be added to unit_base
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

 private:
  template <class T>
  void write_data(size_t offset, const T& value);
  void cut(size_t link);
  bool leads_here(const JumpTable::Entry& jump) const { return jump.code == this; }

  CodeMemory& memory_;
};

}  // namespace strata::codegen::x64
