// Pc: a whole PC, with its board, its processor and what is booted; and its run control.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "devices/system/machine_request.h"
#include "devices/timer/rtc.h"
#include "iface/clock.h"
#include "iface/console.h"
#include "iface/x86_registers.h"
#include "machine/pc/board.h"
#include "machine/pc/vcpu_factory.h"

namespace strata::machine::pc {

/// A kernel started without firmware. Kept for the machine's life: a reboot loads it again.
struct DirectBoot {
  std::vector<std::byte> kernel;
  std::vector<std::byte> initrd;  ///< empty: none
  std::string command_line;
};

/// Everything borrowed here must outlive the machine.
struct PcOptions {
  uint64_t memory = uint64_t{512} << 20;  ///< bytes
  unsigned cpus = 1;
  VcpuFactory make_vcpu;               ///< see machine/pc/engines.h
  iface::Timers* timers = nullptr;     ///< required; they call back with `lock` held
  memory::DeviceLock* lock = nullptr;  ///< required
  iface::Console* console = nullptr;   ///< COM1
  devices::Rtc::WallClock wall_clock;  ///< none: the host's UTC
  std::optional<DirectBoot> boot;      ///< none: the processor starts at the reset vector, as `firmware` wants
  std::vector<std::byte> firmware;     ///< a BIOS image of at most 256 KiB, a multiple of 4 KiB
  PciDevices pci_devices;              ///< what else is plugged in
};

enum class MachineExitReason : uint8_t {
  stopped,     ///< stop() asked for it; run() goes on from here
  power_off,   ///< the guest switched the machine off
  reset,       ///< the guest asked for a reset: reset() and run() again, or end
  debug_exit,  ///< isa-debug-exit: `code` is the program's exit code
  halted,      ///< the guest halted with interrupts off: nothing can wake it
  shutdown,    ///< triple fault; `message` has the processor's state
  failed,      ///< the host could not go on; `message` says why
};

struct MachineExit {
  MachineExitReason reason = MachineExitReason::stopped;
  uint32_t code = 0;
  std::string message;
};

class Pc {
 public:
  /// Makes the machine and loads what it boots. Errors are the user's or the host's, one line each.
  static Result<std::unique_ptr<Pc>> make(PcOptions options);
  ~Pc();
  Pc(const Pc&) = delete;
  Pc& operator=(const Pc&) = delete;

  /// Runs the processor on the calling thread, always the same one, until the machine has something to say. A halted
  /// processor sleeps.
  MachineExit run();

  /// For whoever gives the machine its time: runs the processor to this count of instructions, or to where it halts, or
  /// the machine has something to say. Does not sleep.
  struct Step {
    std::optional<MachineExit> exit;
    bool halted = false;
  };
  Step run_until(uint64_t insns);

  /// From any thread: run() returns soon with `stopped`, or the next one does at once.
  void stop();
  /// From any thread: a press of the power button, which the guest may heed.
  void press_power_button();

  // The rest on the processor's thread, or while nobody runs.

  /// As if switched off and on: devices, processor, and the kernel loaded afresh.
  Result<void> reset();

  /// The whole machine as one blob; goes back into a machine made with equal options.
  Result<std::vector<std::byte>> save();
  /// After an error the machine is good for nothing but reset() or another restore().
  Result<void> restore(std::span<const std::byte> blob);

  Board& board() { return *board_; }
  iface::X86Vcpu& vcpu() { return *vcpu_; }

 private:
  explicit Pc(PcOptions options);
  Result<void> build();
  Result<void> load();
  Result<void> load_kernel(const DirectBoot& boot);
  void load_firmware();
  void request(devices::MachineRequest what, uint32_t code);
  std::optional<MachineExit> take_request();
  std::optional<MachineExit> take_exit(iface::Exit exit);
  /// Sleeps until the processor has something to do.
  void wait_for_work();
  void wake();

  PcOptions options_;
  std::unique_ptr<Board> board_;
  std::unique_ptr<iface::X86Vcpu> vcpu_;

  std::mutex wait_mutex_;  ///< taken last: nothing is called with it held but Vcpu::runnable
  std::condition_variable work_;
  bool stop_ = false;                   ///< under wait_mutex_
  std::optional<MachineExit> request_;  ///< what the guest asked for; under wait_mutex_
};

}  // namespace strata::machine::pc
