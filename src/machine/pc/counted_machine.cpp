// Stretches of instructions, and time passing between them.
#include "machine/pc/counted_machine.h"

#include <algorithm>

namespace strata::machine::pc {

namespace {

constexpr int64_t beginning_of_time = 1'767'225'600'000'000'000;  // 2026-01-01, in nanoseconds since 1970

}  // namespace

Result<std::unique_ptr<CountedMachine>> CountedMachine::make(CountedOptions options) {
  std::unique_ptr<CountedMachine> machine(new CountedMachine);
  const auto wall_clock = [timers = &machine->timers_] {
    return beginning_of_time + static_cast<int64_t>(timers->now());
  };
  PcOptions pc;
  pc.memory = options.memory;
  pc.timers = &machine->timers_;
  pc.lock = &machine->lock_;
  pc.console = options.console;
  pc.wall_clock = wall_clock;
  pc.boot = std::move(options.boot);
  pc.make_vcpus = [&](const VcpuWiring& wiring) -> Result<std::vector<std::unique_ptr<iface::X86Vcpu>>> {
    engine::X86VcpuOptions vcpu = std::move(options.vcpu);
    vcpu.memory = &wiring.memory;
    vcpu.ports = &wiring.ports;
    vcpu.interrupts = wiring.interrupts.at(0);
    vcpu.ticks = wiring.ticks;
    vcpu.tick_rate = wiring.tick_rate;
    vcpu.wall_clock = [wall_clock] { return static_cast<uint64_t>(wall_clock()); };
    vcpu.counted = true;
    auto made = STRATA_TRY(engine::make_x86_vcpu(std::move(vcpu)));
    machine->vcpu_ = made.get();
    std::vector<std::unique_ptr<iface::X86Vcpu>> all;
    all.push_back(std::move(made));
    return all;
  };
  machine->pc_ = STRATA_TRY(Pc::make(std::move(pc)));
  return machine;
}

void CountedMachine::pass_time() {
  const uint64_t insns = vcpu_->insns();
  timers_.advance_to(timers_.now() + (insns - counted_));
  counted_ = insns;
}

bool CountedMachine::sleep() {
  pass_time();
  while (!vcpu_->runnable()) {
    const auto deadline = timers_.next_deadline();
    if (!deadline) return false;
    timers_.advance_to(*deadline);
  }
  return true;
}

std::optional<MachineExit> CountedMachine::run_to(uint64_t insns) {
  while (vcpu_->insns() < insns) {
    const uint64_t border = (vcpu_->insns() / stretch + 1) * stretch;
    const Pc::Step step = pc_->run_until(std::min(border, insns));
    if (step.exit) return step.exit;
    if (step.halted) {
      if (!sleep()) return MachineExit{.reason = MachineExitReason::halted, .code = 0, .message = vcpu_->describe()};
    } else if (vcpu_->insns() == border) {
      pass_time();
    }
  }
  return std::nullopt;
}

Result<CountedMachine::Snapshot> CountedMachine::snapshot() {
  return Snapshot{.state = STRATA_TRY(state()), .time = timers_.now(), .counted = counted_};
}

Result<void> CountedMachine::restore(const Snapshot& snapshot) {
  timers_.set_now(snapshot.time);
  counted_ = snapshot.counted;
  return pc_->restore(snapshot.state);
}

}  // namespace strata::machine::pc
