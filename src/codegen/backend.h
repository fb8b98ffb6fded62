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
  /// Other code may go on to this one while ExecContext::code_pages has these for the page of its first byte and, where its
  /// code crosses into another, for the page behind.
  virtual void set_place([[maybe_unused]] uint64_t page, [[maybe_unused]] uint64_t page_behind) {}
  /// No longer: links and jumps to it are cut, until new ones are made. The code may still run to its end.
  virtual void set_invalid() {}
  /// From the way out that RunResult::link calls `link` on to `next`, until unlink() is called.
  virtual void set_link([[maybe_unused]] uint8_t link, [[maybe_unused]] Code& next) {}
  virtual void unlink() {}

  void* owner = nullptr;  ///< whoever keeps the code may leave a note here
};

/// Runs code: one for each processor of the guest's. It has what is the processor's own of where code goes on to.
class Runner {
 public:
  virtual ~Runner() = default;

  /// Runs the unit once from its entry, and what it is linked to. Guest faults are results; `context.insns` is brought
  /// up to date, and `context.running` is the code that ran last.
  virtual ir::RunResult run(const Code& code, ir::ExecContext& context) = 0;

  /// Addresses lead elsewhere: returns do not go where their calls have been any more, unless they look.
  virtual void forget_returns() {}

  /// Indirect jumps to this pc from units of the code's Unit::mode may go straight to it, until Code::set_invalid().
  virtual void set_jump([[maybe_unused]] uint64_t pc, [[maybe_unused]] Code& code) {}
};

/// Makes code, which any of its runners may run.
///
/// Code and runners do not outlive it; which of both go first does not matter. Where there are several runners:
/// - One at a time, in all: compile(), make_runner(), the destruction of a runner, Runner::set_jump(), and all of Code that
///   is not const. The caller holds a lock.
/// - While others run code: compile(), make_runner(), Code::set_link(), Code::unlink(), Runner::set_jump(). A way out that
///   is being linked or cut goes where it went before or where it goes then: who must know that nobody takes it any more
///   stops the others.
/// - While no other is in translated code: Code::set_invalid(); and Code::set_place(), unless nothing leads to the code yet.
///   The others may wait in functions of C++ that code has called.
/// - While no other is in run(): the destruction of code; at any time, if none of the others has ever come to it.
/// - A runner's run(), set_jump() and forget_returns() are its own thread's; anybody's while that does not run.
/// Whoever stops the others to have code changed under them has their host processors see it before they go on: threads
/// that waited pass an instruction that serializes (Linux: membarrier, PRIVATE_EXPEDITED_SYNC_CORE).
class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string_view name() const = 0;

  /// Whether compile() takes relocatable units.
  virtual bool relocates() const { return false; }

  /// The unit has been verified and has gone through the passes. Its layout stays as long as the back end.
  virtual std::unique_ptr<Code> compile(const ir::Unit& unit) = 0;

  virtual std::unique_ptr<Runner> make_runner() = 0;
};

}  // namespace strata::codegen
