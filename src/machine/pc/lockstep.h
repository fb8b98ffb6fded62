// Two machines that must do the same, one on the interpreter and one on what is to be proved, side by side.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "machine/pc/counted_machine.h"
#include "machine/pc/unit_log.h"

namespace strata::machine::pc {

struct LockstepOptions {
  CountedOptions machine;  ///< of both; `vcpu` has the back end that is tested, the console hears the reference only
  /// Processors are compared behind each stretch, whole machines with their RAM behind each of these.
  uint64_t checkpoint = 50'000'000;
};

/// The first place where the machines are not the same.
struct LockstepDifference {
  uint64_t insns = 0;  ///< done by then: the machines agree before the last of them, as far as it could be narrowed
  bool exact = false;  ///< it is that instruction; else it lies between the last comparison and this one
  std::string text;    ///< what differs, both states, and the code that ran last, in all its forms
};

class Lockstep {
 public:
  static Result<std::unique_ptr<Lockstep>> make(LockstepOptions options);

  struct End {
    std::optional<MachineExit> exit;  ///< both ended so
    std::optional<LockstepDifference> difference;
  };
  /// Until the machines end or differ, or `insns` are done: then neither is set.
  Result<End> run(uint64_t insns);

  uint64_t insns() const { return reference_->insns(); }
  CountedMachine& reference() { return *reference_; }
  CountedMachine& tested() { return *tested_; }

 private:
  /// Passes on what a guest prints, while it is wanted.
  class Listener final : public iface::Console {
   public:
    iface::Console* to = nullptr;
    void write(std::span<const std::byte> bytes) override {
      if (to != nullptr) to->write(bytes);
    }
    size_t read(std::span<std::byte>) override { return 0; }
    void on_input(std::function<void()>) override {}
  };

  Lockstep() = default;
  struct Outcome {
    std::optional<MachineExit> reference, tested;
  };
  Outcome advance(uint64_t insns);
  Result<void> keep();
  Result<std::string> compare(const Outcome& outcome, bool everything);
  Result<std::string> try_to(uint64_t insns);
  Result<LockstepDifference> narrow_down(std::string found);

  LockstepOptions options_;
  UnitLog log_;
  Listener heard_, unheard_;  ///< both have one: a port without a console behaves otherwise
  std::unique_ptr<CountedMachine> reference_, tested_;
  CountedMachine::Snapshot kept_reference_, kept_tested_;
  uint64_t kept_at_ = 0;
};

}  // namespace strata::machine::pc
