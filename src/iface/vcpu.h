// A virtual processor, whoever runs it: interpreter, translator or the kernel's hypervisor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "iface/figure.h"

namespace strata::iface {

/// Why run() came back.
enum class ExitReason : uint8_t {
  halted,       ///< waits for an interrupt; run() again once `wake` said so
  interrupted,  ///< kick() asked for it
  shutdown,     ///< the processor gave up (x86: triple fault)
  debug,        ///< breakpoint or single step
  failed,       ///< the host could not go on; `message` says why
};

struct Exit {
  ExitReason reason = ExitReason::interrupted;
  std::string message;
};

class Vcpu {
 public:
  virtual ~Vcpu() = default;
  /// Runs guest code until something is needed. On one thread at a time. Device calls happen inside.
  virtual Exit run() = 0;
  /// As run(), and comes back with `interrupted` once so many instructions are done since the processor was made.
  virtual Exit run_until(uint64_t /*insns*/) {
    return {ExitReason::failed, "this kind of processor does not count instructions"};
  }
  /// From any thread: run() returns soon, or the next one does at once.
  virtual void kick() = 0;
  /// From any thread: an interrupt controller has changed what is pending.
  virtual void interrupt_changed() = 0;
  /// Whether a halted processor has something to do.
  virtual bool runnable() = 0;
  virtual void reset() = 0;
  /// What it and `others`, all of its kind, have counted so far, taken together. While nobody runs them.
  virtual std::vector<Figure> figures(std::span<const Vcpu* const> others) const = 0;
  /// Registers as text, for messages.
  virtual std::string describe() const = 0;

  /// The whole state in a versioned form, and back into a processor of the same kind. While nobody runs it.
  virtual Result<std::vector<std::byte>> save() const {
    return fail(ErrorCode::unsupported, "this kind of processor cannot be saved");
  }
  virtual Result<void> restore(std::span<const std::byte>) {
    return fail(ErrorCode::unsupported, "this kind of processor cannot be restored");
  }
};

}  // namespace strata::iface
