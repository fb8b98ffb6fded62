// A PC whose time is counted in instructions, so that equal input gives equal runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/unit_observer.h"
#include "engine/x86_vcpu.h"
#include "iface/console.h"
#include "machine/pc/counted_timers.h"
#include "machine/pc/pc.h"

namespace strata::machine::pc {

/// Everything borrowed here must outlive the machine.
struct CountedOptions {
  uint64_t memory = uint64_t{512} << 20;
  engine::X86VcpuOptions vcpu;  ///< backend, model, observers, trace; what a board wires is filled in
  iface::Console* console = nullptr;
  std::optional<DirectBoot> boot;
};

/// Time stands still for stretches of `stretch` instructions, each of which takes as many nanoseconds; a processor that
/// halts sleeps to the next alarm at once. Interrupts come at the ends of stretches and of sleep, so nothing depends on
/// the host. The real-time clock begins on 2026-01-01, random numbers are of a fixed seed. Devices whose answers depend on
/// the host's time (disks, networks, what a user types) have no place in it.
class CountedMachine {
 public:
  static constexpr uint64_t stretch = 10'000;

  static Result<std::unique_ptr<CountedMachine>> make(CountedOptions options);

  /// Until so many instructions are done since power-on (none), or the machine has something to say.
  std::optional<MachineExit> run_to(uint64_t insns);
  uint64_t insns() const { return vcpu_->insns(); }
  uint64_t now() { return timers_.now(); }

  /// The whole machine, RAM too.
  Result<std::vector<std::byte>> state() { return pc_->save(); }
  /// The processor's part of it: cheaper.
  std::vector<std::byte> processor_state() const { return *vcpu_->save(); }

  /// To go back to. The engine forgets its code then.
  struct Snapshot {
    std::vector<std::byte> state;
    uint64_t time = 0, counted = 0;
  };
  Result<Snapshot> snapshot();
  Result<void> restore(const Snapshot& snapshot);

  Pc& pc() { return *pc_; }
  engine::X86Vcpu& vcpu() { return *vcpu_; }
  memory::Ram& ram() { return pc_->board().memory().ram(); }

 private:
  CountedMachine() = default;
  void pass_time();
  /// Goes to the next alarm; false: none will ever wake it.
  bool sleep();

  memory::DeviceLock lock_;
  CountedTimers timers_{lock_};
  std::unique_ptr<Pc> pc_;
  engine::X86Vcpu* vcpu_ = nullptr;  ///< of pc_
  uint64_t counted_ = 0;             ///< instructions that time has passed for
};

}  // namespace strata::machine::pc
