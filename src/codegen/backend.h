// What turns units into something that runs: the interface of every code generator.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "ir/runtime.h"
#include "ir/unit.h"

namespace strata::codegen {

/// The instructions of the host that a unit became, for tools: what ordinarily runs, and what is seldom run.
struct HostCode {
  std::span<const std::byte> usual, seldom;
};

/// A compiled unit. Deriving classes hold their own form of it.
class Code {
 public:
  virtual ~Code() = default;
  virtual size_t bytes() const = 0;  ///< host memory that it takes
  /// Where it may be looked at, as long as the code is there. Empty: it is no code of the host.
  virtual HostCode host_code() const { return {}; }

  // For back ends whose code goes on to other code by itself.
  /// Other code may go on to this one while ExecContext::code_tlb has these for the page of its first byte and, where its
  /// code crosses into another, for the page behind.
  virtual void set_place([[maybe_unused]] uint64_t page, [[maybe_unused]] uint64_t page_behind) {}
  /// No longer: links and jumps to it are cut, until new ones are made. The code may still run to its end.
  virtual void set_invalid() {}
  /// From the way out that RunResult::link calls `link` on to `next`, until unlink() is called.
  virtual void set_link([[maybe_unused]] uint8_t link, [[maybe_unused]] Code& next) {}
  virtual void unlink() {}

  void* owner = nullptr;  ///< whoever keeps the code may leave a note here
};

class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string_view name() const = 0;

  /// Whether compile() takes relocatable units.
  virtual bool relocates() const { return false; }

  /// The unit has been verified and has gone through the passes. Its layout stays as long as the back end.
  virtual std::unique_ptr<Code> compile(const ir::Unit& unit) = 0;

  /// Runs the unit once from its entry, and what it is linked to. Guest faults are results; `context.insns` is brought
  /// up to date, and `context.running` is the code that ran last.
  virtual ir::RunResult run(const Code& code, ir::ExecContext& context) = 0;

  /// Addresses lead elsewhere: returns do not go where their calls have been any more, unless they look.
  virtual void forget_returns() {}

  /// Indirect jumps to this pc from units of the code's Unit::mode may go straight to it, until Code::set_invalid().
  virtual void set_jump([[maybe_unused]] uint64_t pc, [[maybe_unused]] Code& code) {}
};

}  // namespace strata::codegen
