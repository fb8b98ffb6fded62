// Runs both, compares, and goes back to the last checkpoint to find the instruction.
#include "machine/pc/lockstep.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace strata::machine::pc {

namespace {

/// As a sentence, or "runs".
std::string told(const std::optional<MachineExit>& exit) {
  static constexpr const char* names[] = {"stopped", "powered off", "reset", "left by debug exit",
                                          "halted",  "shut down",   "failed"};
  return exit ? fmt::format("{} (code {})", names[static_cast<size_t>(exit->reason)], exit->code) : "runs";
}

std::optional<size_t> first_difference(const std::vector<std::byte>& a, const std::vector<std::byte>& b) {
  const auto [at, other] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  return at == a.end() && other == b.end() ? std::nullopt : std::optional<size_t>(at - a.begin());
}

/// The first bytes of RAM in which they differ; empty: none.
std::string compare_ram(memory::Ram& reference, memory::Ram& tested) {
  for (uint64_t page = 0; page < reference.size(); page += memory::page_size) {
    if (std::memcmp(reference.at(page), tested.at(page), memory::page_size) == 0) continue;
    uint64_t at = page;
    while (*reference.at(at) == *tested.at(at)) ++at;
    return fmt::format("RAM at {:x}: {:02x}, tested {:02x}\n", at, std::to_integer<unsigned>(*reference.at(at)),
                       std::to_integer<unsigned>(*tested.at(at)));
  }
  return {};
}

std::string both_states(CountedMachine& reference, CountedMachine& tested) {
  return fmt::format("reference, {} instructions:\n{}\ntested, {} instructions:\n{}\n", reference.insns(),
                     reference.vcpu().describe(), tested.insns(), tested.vcpu().describe());
}

}  // namespace

Result<std::unique_ptr<Lockstep>> Lockstep::make(LockstepOptions options) {
  std::unique_ptr<Lockstep> made(new Lockstep);
  made->options_ = std::move(options);
  CountedOptions reference = made->options_.machine, tested = made->options_.machine;
  reference.vcpu.backend = engine::BackendKind::interp;
  reference.vcpu.make_backend = nullptr;
  tested.vcpu.observers.push_back(&made->log_);
  made->heard_.to = reference.console;
  reference.console = &made->heard_;
  tested.console = &made->unheard_;
  made->reference_ = STRATA_TRY(CountedMachine::make(std::move(reference)));
  made->tested_ = STRATA_TRY(CountedMachine::make(std::move(tested)));
  STRATA_TRY(made->keep());
  return made;
}

Lockstep::Outcome Lockstep::advance(uint64_t insns) {
  Outcome outcome;
  outcome.reference = reference_->run_to(insns);
  outcome.tested = tested_->run_to(insns);
  return outcome;
}

Result<void> Lockstep::keep() {
  kept_reference_ = STRATA_TRY(reference_->snapshot());
  kept_tested_ = STRATA_TRY(tested_->snapshot());
  kept_at_ = insns();
  return {};
}

/// What differs; empty: nothing.
Result<std::string> Lockstep::compare(const Outcome& outcome, bool everything) {
  const std::string ends[] = {told(outcome.reference), told(outcome.tested)};
  if (ends[0] != ends[1]) return fmt::format("the reference {}, the tested machine {}\n", ends[0], ends[1]);
  if (reference_->insns() != tested_->insns()) return std::string("the count of instructions\n");
  if (const auto byte = first_difference(reference_->processor_state(), tested_->processor_state()))
    return fmt::format("the processor's state, at byte {} of what is saved of it\n", *byte);
  if (!everything) return std::string();
  if (std::string ram = compare_ram(reference_->ram(), tested_->ram()); !ram.empty()) return ram;
  if (const auto byte = first_difference(STRATA_TRY(reference_->state()), STRATA_TRY(tested_->state())))
    return fmt::format("the devices' state, at byte {} of what is saved of the machine\n", *byte);
  return std::string();
}

/// From the checkpoint to there: what differs.
Result<std::string> Lockstep::try_to(uint64_t insns) {
  STRATA_TRY(reference_->restore(kept_reference_));
  STRATA_TRY(tested_->restore(kept_tested_));
  return compare(advance(insns), true);
}

/// Halves the way from the checkpoint until one instruction is left.
Result<LockstepDifference> Lockstep::narrow_down(std::string found) {
  LockstepDifference difference{.insns = std::max(reference_->insns(), tested_->insns()), .exact = false, .text = {}};
  heard_.to = nullptr;  // it has been told all that
  const std::string first_states = both_states(*reference_, *tested_);
  uint64_t good = kept_at_, bad = difference.insns;
  if (STRATA_TRY(try_to(bad)).empty()) {
    difference.text = fmt::format("{}which does not come again from the checkpoint at {} instructions\n{}", found,
                                  kept_at_, first_states);
    return difference;
  }
  while (bad - good > 1) {
    const uint64_t middle = good + (bad - good) / 2;
    (STRATA_TRY(try_to(middle)).empty() ? good : bad) = middle;
  }
  // Before it both agree where it stands, and the unit that ends with it is made now.
  STRATA_TRY(try_to(bad - 1));
  const iface::X86Registers before = reference_->vcpu().registers();
  log_.clear();
  log_.turn(true);
  found = STRATA_TRY(try_to(bad));
  log_.turn(false);
  difference.insns = bad;
  difference.exact = true;
  difference.text = found + both_states(*reference_, *tested_) + log_.holding(before.cs.base + before.rip);
  return difference;
}

Result<Lockstep::End> Lockstep::run(uint64_t insns) {
  End end;
  while (this->insns() < insns) {
    const uint64_t checkpoint = kept_at_ + options_.checkpoint;
    const uint64_t border = (this->insns() / CountedMachine::stretch + 1) * CountedMachine::stretch;
    const Outcome outcome = advance(std::min(border, insns));
    const bool over = outcome.reference || outcome.tested;
    const bool everything = over || this->insns() >= checkpoint;
    std::string found = STRATA_TRY(compare(outcome, everything));
    if (!found.empty()) {
      end.difference = STRATA_TRY(narrow_down(std::move(found)));
      return end;
    }
    if (over) {
      end.exit = outcome.reference;
      return end;
    }
    if (everything) STRATA_TRY(keep());
  }
  return end;
}

}  // namespace strata::machine::pc
