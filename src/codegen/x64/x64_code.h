// A translated unit: its host code, and what leads to it and from it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "codegen/backend.h"
#include "codegen/interp/step.h"
#include "codegen/x64/code_memory.h"
#include "codegen/x64/exit_place.h"
#include "codegen/x64/thunks.h"

namespace strata::codegen::x64 {

/// An exit_goto, or where a call returns to (expect_return).
struct Link {
  /// What a processor sees of writing bytes inside an aligned piece of so many is all or nothing, in code that it runs too
  /// (AMD64 Architecture Programmer's Manual, volume 2, 7.6.1).
  static constexpr size_t unit = sizeof(uint64_t);

  X64Code* owner = nullptr;    ///< whose it is
  Link* next = nullptr;        ///< another one that leads to the same code
  Link** previous = nullptr;   ///< what leads to this one; nullptr: it leads nowhere
  uint32_t jump_end = 0;       ///< the offset behind its jump
  uint32_t unlinked : 31 = 0;  ///< of the code that leaves with it, to which it jumps then
  uint32_t stays : 1 = 0;      ///< it leads to the page in which its own code begins
};
static_assert(sizeof(Link) == 32);

/// There are many of it.
class X64Code final : public Code {
 public:
  explicit X64Code(const Thunks& shared) : thunks(&shared) {}
  ~X64Code() override;
  size_t bytes() const override { return sizeof *this + span.size + records_size; }

  HostCode host_code() const override { return {{span.run, seldom}, {span.run + seldom, span.size - seldom}}; }

  void set_place(uint64_t page, uint64_t page_behind) override;
  void set_invalid() override;
  void set_link(uint8_t link, Code& next) override;
  void unlink() override;
  void begin(std::byte* state) const;  ///< what `entry` wants besides the pc
  /// Keeps copies.
  void keep(std::span<const Link> links, std::span<const interp::Step> steps, std::span<const ExitPlace> places);
  void stand_in(const CodeSpan& memory);
  Link& link(size_t number) { return links[number]; }

  CodeSpan span;                         ///< the instructions
  std::unique_ptr<std::byte[]> records;  ///< CodeData and its places, links and steps
  Link* links = nullptr;
  const interp::Step* steps = nullptr;
  const Thunks* thunks;
  Link* incoming = nullptr;   ///< links that lead here
  uint64_t first_pc = 0;      ///< from which places count theirs
  uint32_t first_jump = 0;    ///< entry of AllJumps that leads here
  uint32_t entry = 0;         ///< offsets in the span: where the engine begins it, the pc slot holding its pc
  uint32_t linked_entry = 0;  ///< where other code begins it
  uint32_t near_entry = 0;    ///< where code of the same page does
  uint32_t place = 0;         ///< behind the number of 32 bits that says in which page of RAM it is in place
  uint32_t place_behind = 0;  ///< the same of the page behind, where it crosses
  uint32_t seldom = 0;        ///< where the stubs begin
  uint32_t records_size = 0;  ///< in bytes
  uint32_t mode = 0;          ///< ir::Unit::mode
  uint8_t link_count = 0;
  ir::Space data_space = 0;
  bool relocatable = false;  ///< pcs of places are to be added to unit_base
  bool crosses = false;      ///< into a second page
  bool calls = false;        ///< returns lead here

 private:
  void write_32(size_t end, uint64_t value);
  static void jump_to(const Link& link, const std::byte* target);
  static void cut(Link& link);
  static void detach(Link& link);
};

}  // namespace strata::codegen::x64
