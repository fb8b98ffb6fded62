// Pc: a whole PC, with its board, its processors and what is booted.
#pragma once

#include <cstdint>
#include <memory>
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
#include "machine/pc/machine_exit.h"
#include "machine/pc/processors.h"
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
  VcpuFactory make_vcpus;              ///< see machine/pc/engines.h
  iface::Timers* timers = nullptr;     ///< required; they call back with `lock` held
  memory::DeviceLock* lock = nullptr;  ///< required
  iface::Console* console = nullptr;   ///< COM1
  devices::Rtc::WallClock wall_clock;  ///< none: the host's UTC
  std::optional<DirectBoot> boot;      ///< none: the first processor starts at the reset vector, as `firmware` wants
  std::vector<std::byte> firmware;     ///< a BIOS image of at most 256 KiB, a multiple of 4 KiB
  PciDevices pci_devices;              ///< what else is plugged in
};

class Pc {
 public:
  /// Makes the machine and loads what it boots. Errors are the user's or the host's, one line each.
  static Result<std::unique_ptr<Pc>> make(PcOptions options);
  ~Pc();
  Pc(const Pc&) = delete;
  Pc& operator=(const Pc&) = delete;

  /// Runs the processors until the machine has something to say: the first on the calling thread, the others on threads
  /// that end with the run. A halted processor sleeps.
  MachineExit run() { return processors_->run(); }

  /// For whoever gives a machine of one processor its time: runs it to this count of instructions, or to where it halts,
  /// or the machine has something to say. Does not sleep.
  using Step = Processors::Step;
  Step run_until(uint64_t insns) { return processors_->run_until(insns); }

  /// From any thread: run() returns soon with `stopped`, or the next one does at once.
  void stop() { processors_->stop(); }
  /// From any thread: a press of the power button, which the guest may heed.
  void press_power_button();

  // The rest while nobody runs.

  /// As if switched off and on: devices, processors, and the kernel loaded afresh.
  Result<void> reset();

  /// The whole machine as one blob; goes back into a machine made with equal options.
  Result<std::vector<std::byte>> save();
  /// After an error the machine is good for nothing but reset() or another restore().
  Result<void> restore(std::span<const std::byte> blob);

  Board& board() { return *board_; }
  unsigned cpus() const { return processors_->count(); }
  /// What they have counted so far, all together.
  std::vector<iface::Figure> figures() const { return processors_->figures(); }
  iface::X86Vcpu& vcpu(unsigned number = 0) { return (*processors_)[number]; }

 private:
  explicit Pc(PcOptions options);
  Result<void> build();
  Result<void> load();
  Result<void> load_kernel(const DirectBoot& boot);
  void load_firmware();
  Result<void> make_processors();
  void connect(unsigned number);
  void request(devices::MachineRequest what, uint32_t code);

  PcOptions options_;
  std::unique_ptr<Board> board_;
  std::unique_ptr<Processors> processors_;
};

}  // namespace strata::machine::pc
