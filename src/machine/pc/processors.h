// The processors of a machine at work: each on a thread of its own, asleep while it has nothing to do.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "iface/x86_registers.h"
#include "machine/pc/machine_exit.h"

namespace strata::machine::pc {

class Processors {
 public:
  /// At least one: the bootstrap processor.
  explicit Processors(std::vector<std::unique_ptr<iface::X86Vcpu>> vcpus);
  ~Processors();

  unsigned count() const { return static_cast<unsigned>(all_.size()); }
  iface::X86Vcpu& operator[](unsigned number) { return *all_[number]->vcpu; }

  std::vector<iface::Figure> figures() const;

  /// Runs them, the first on the calling thread, until the machine has something to say. Then nobody runs any more.
  MachineExit run();

  /// Runs the only one to this count of instructions, or to where it halts. Does not sleep.
  struct Step {
    std::optional<MachineExit> exit;
    bool halted = false;
  };
  Step run_until(uint64_t insns);

  // From any thread.

  /// It may have something to do now.
  void wake(unsigned number);
  /// run() returns soon with this, or the next one does at once. The first word counts.
  void end(MachineExit exit);
  /// The same with `stopped`, unless the guest has a word to say too.
  void stop();

  /// What end() said does not hold any more. While nobody runs.
  void forget_end();

 private:
  struct Processor {
    std::unique_ptr<iface::X86Vcpu> vcpu;
    std::condition_variable work;
    bool asleep = false;  ///< under mutex_
  };

  void run_one(unsigned number);
  void sleep(Processor& processor);
  void rouse();
  bool is_over();
  bool is_over_locked() const { return stop_ || end_; }
  bool all_sleep_for_good();
  std::optional<MachineExit> take_end();
  std::string describe(unsigned number);

  std::vector<std::unique_ptr<Processor>> all_;
  std::mutex mutex_;  ///< taken last: with it held, of a processor only what takes no lock is called
  bool stop_ = false;
  std::optional<MachineExit> end_;
};

}  // namespace strata::machine::pc
