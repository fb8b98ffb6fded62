// One x86 processor at work: its state, what runs it, and the operations that helpers and delivery share.
#pragma once

#include <cstdint>
#include <functional>

#include "iface/irq.h"
#include "iface/x86_registers.h"
#include "ir/runtime.h"
#include "isa/guest.h"
#include "isa/x86/cpuid.h"
#include "isa/x86/exception.h"
#include "isa/x86/state.h"
#include "isa/x86/system/signals.h"

namespace strata::isa::x86 {

/// What system/ and helpers/ work on. Helpers find it in ExecContext::cpu.
struct Cpu {
  Cpu();

  ir::BackendRoom room;
  State state;
  Cpuid cpuid;  ///< what this processor says of itself, and so which features exist
  Host* host = nullptr;
  ir::ExecContext* context = nullptr;
  iface::InterruptSource* interrupts = nullptr;
  Signals signals;
  uint32_t pauses = 0;            ///< PAUSE instructions of a machine with several processors
  uint64_t spec_ctrl = 0;         ///< IA32_SPEC_CTRL: kept, without effect where nothing is speculated
  uint64_t data_breakpoints = 0;  ///< those that the running instruction has hit, as in DR6: #DB follows behind it
  bool stepping = false;          ///< under TF: #DB follows behind the instruction that runs now

  std::function<uint64_t()> wall_clock;  ///< nanoseconds since 1970, UTC
  std::function<uint64_t()> random;      ///< what RDRAND and RDSEED give

  static Cpu& of(ir::ExecContext& context) { return *static_cast<Cpu*>(context.cpu); }
};

}  // namespace strata::isa::x86
