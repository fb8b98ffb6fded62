// A translated unit: its host code, and what leads to it and from it.
#pragma once

#include <cstdint>

#include "codegen/backend.h"
#include "codegen/interp/step.h"
#include "codegen/x64/code_memory.h"
#include "codegen/x64/exit_place.h"
#include "codegen/x64/thunks.h"

namespace strata::codegen::x64 {

/// An exit_goto, behind the CodeData.
struct Link {
  const std::byte* target = nullptr;  ///< what its jump reads
  Link* next = nullptr;               ///< another one that leads to the same code
  Link** previous = nullptr;          ///< what leads to this one; nullptr: it leads nowhere
  uint32_t unlinked = 0;              ///< the offset of the code that leaves with it then
  uint8_t number = 0;
  bool stays = false;  ///< it leads to the page in which its own code begins

  const X64Code& owner() const { return *reinterpret_cast<const CodeData*>(this - number)[-1].code; }
};
static_assert(sizeof(Link) == 32 && sizeof(CodeData) % alignof(Link) == 0);

/// There are many of it.
class X64Code final : public Code {
 public:
  explicit X64Code(const Thunks& shared) : thunks(&shared) {}
  ~X64Code() override;
  size_t bytes() const override { return sizeof *this + span.size; }

  HostCode host_code() const override { return {{span.run, seldom}, {span.run + seldom, end - seldom}}; }

  void set_place(uint64_t page, uint64_t page_behind) override;
  void set_invalid() override;
  void set_link(uint8_t link, Code& next) override;
  void unlink() override;
  void write_data();                   ///< once the code stands in memory
  void begin(std::byte* state) const;  ///< what `entry` wants besides the pc
  CodeData& code_data() { return *reinterpret_cast<CodeData*>(span.write + data); }
  Link& link(size_t number) { return reinterpret_cast<Link*>(&code_data() + 1)[number]; }
  const interp::Step* steps() const { return reinterpret_cast<const interp::Step*>(span.run + first_step); }

  CodeSpan span;
  const Thunks* thunks;
  Link* incoming = nullptr;   ///< links that lead here
  uint64_t first_pc = 0;      ///< from which places count theirs
  uint32_t first_jump = 0;    ///< of the JumpTable, that leads here
  uint32_t entry = 0;         ///< offsets in the span: where the engine begins it, the pc slot holding its pc
  uint32_t linked_entry = 0;  ///< where other code begins it
  uint32_t near_entry = 0;    ///< where code of the same page does
  uint32_t seldom = 0;        ///< where the stubs begin
  uint32_t end = 0;           ///< of the instructions
  uint32_t data = 0;          ///< the CodeData and the links
  uint32_t first_step = 0;    ///< the interpreter's steps, of places and of operations left to it
  uint32_t first_place = 0;   ///< the ExitPlaces
  uint8_t link_count = 0;
  bool relocatable = false;  ///< pcs of places are to be added to unit_base
  bool crosses = false;      ///< into a second page

 private:
  static void cut(Link& link);
};

}  // namespace strata::codegen::x64
