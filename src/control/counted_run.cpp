// The loop around a counted machine, or around two.
#include "control/counted_run.h"

#include <unistd.h>

#include <chrono>
#include <memory>
#include <optional>
#include <vector>

#include "control/boot_files.h"
#include "control/figure_table.h"
#include "control/host_use.h"
#include "control/translator_view.h"
#include "machine/pc/lockstep.h"

namespace strata::control {
namespace {

using machine::pc::CountedMachine;
using machine::pc::CountedOptions;
using machine::pc::Lockstep;
using machine::pc::MachineExit;
using machine::pc::MachineExitReason;

/// Between these the time limit is looked at.
constexpr uint64_t chunk = 5'000'000;

/// Shows what the guest prints; nothing that is typed reaches it, for that would come at another time in each run.
class PrintingConsole final : public iface::Console {
 public:
  explicit PrintingConsole(bool shown) : shown_(shown) {}
  void write(std::span<const std::byte> bytes) override {
    if (shown_ && ::write(STDOUT_FILENO, bytes.data(), bytes.size()) < 0) shown_ = false;
  }
  size_t read(std::span<std::byte>) override { return 0; }
  void on_input(std::function<void()>) override {}

 private:
  bool shown_;
};

class CountedRun {
 public:
  explicit CountedRun(const MachineOptions& options)
      : options_(options), console_(options.console == ConsoleChoice::stdio) {}

  Result<int> run();

 private:
  Result<CountedOptions> machine_options();
  Result<std::optional<MachineExit>> advance(uint64_t insns);
  CountedMachine& machine() { return single_ ? *single_ : lockstep_->tested(); }
  bool time_is_over() const;
  Result<int> ended(const MachineExit& exit);
  void print_stats();

  const MachineOptions& options_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  const HostUse host_use_;
  PrintingConsole console_;
  std::vector<std::unique_ptr<engine::UnitObserver>> observers_;
  std::unique_ptr<CountedMachine> single_;  ///< one of these two
  std::unique_ptr<Lockstep> lockstep_;
};

Result<CountedOptions> CountedRun::machine_options() {
  CountedOptions machine;
  machine.memory = options_.memory;
  machine.console = &console_;
  machine.boot = STRATA_TRY(read_boot_files(options_));
  machine.vcpu.model = options_.cpu;
  machine.vcpu.backend =
      options_.engine == EngineChoice::interp ? engine::BackendKind::interp : engine::BackendKind::jit;
  if (options_.trace.run) machine.vcpu.trace = print_step;
  observers_ = STRATA_TRY(make_observers(options_));
  for (const auto& observer : observers_) machine.vcpu.observers.push_back(observer.get());
  return machine;
}

/// The machine's exit, if it came to one. A difference in lockstep is an error.
Result<std::optional<MachineExit>> CountedRun::advance(uint64_t insns) {
  if (single_) return single_->run_to(insns);
  Lockstep::End end = STRATA_TRY(lockstep_->run(insns));
  if (!end.difference) return std::move(end.exit);
  return fail("interpreter and translator differ {} {} guest instructions: {}",
              end.difference->exact ? "at the last of" : "within", end.difference->insns, end.difference->text);
}

bool CountedRun::time_is_over() const {
  return options_.timeout_seconds &&
         std::chrono::steady_clock::now() - start_ >= std::chrono::seconds(*options_.timeout_seconds);
}

Result<int> CountedRun::run() {
  CountedOptions machine = STRATA_TRY(machine_options());
  if (options_.engine == EngineChoice::lockstep)
    lockstep_ = STRATA_TRY(Lockstep::make({.machine = std::move(machine)}));
  else single_ = STRATA_TRY(CountedMachine::make(std::move(machine)));
  for (uint64_t goal = chunk;; goal += chunk) {
    const auto exit = STRATA_TRY(advance(goal));
    if (!exit && !time_is_over()) continue;
    if (options_.stats) print_stats();
    if (exit) return ended(*exit);
    fmt::print(stderr, "strata: stopped after {} seconds\n", *options_.timeout_seconds);
    return static_cast<int>(ExitCode::timed_out);
  }
}

Result<int> CountedRun::ended(const MachineExit& exit) {
  switch (exit.reason) {
    case MachineExitReason::power_off: return 0;
    case MachineExitReason::debug_exit: return static_cast<int>(exit.code);
    case MachineExitReason::reset: return fail("the guest asked for a reset: a counted machine runs once");
    case MachineExitReason::halted: return fail("the guest halted and nothing can wake it");
    case MachineExitReason::shutdown: return fail("the guest's processor gave up (triple fault)\n{}", exit.message);
    default: return fail("{}", exit.message);
  }
}

void CountedRun::print_stats() {
  memory::Ram& ram = machine().ram();
  std::vector<iface::Figure> figures = host_use_.figures({ram.data(), ram.size()});
  for (iface::Figure& figure : machine().pc().figures()) figures.push_back(std::move(figure));
  fmt::print(stderr, "{}", figure_table(figures));
}

}  // namespace

Result<int> run_counted(const MachineOptions& options) { return CountedRun(options).run(); }

}  // namespace strata::control
