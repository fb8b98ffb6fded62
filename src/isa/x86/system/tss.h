// The task state segment: stacks of the inner levels, the I/O bitmap, and hardware task switches (SDM vol. 3, 8).
#pragma once

#include "isa/x86/cpu.h"
#include "isa/x86/system/descriptor.h"

namespace strata::isa::x86 {

/// SS:ESP for a privilege level, from a 16- or 32-bit TSS.
bool read_inner_stack(Cpu& cpu, unsigned cpl, Selector& selector, uint64_t& pointer);

/// RSP0..2, or IST1..7, from a 64-bit TSS.
bool read_rsp(Cpu& cpu, unsigned cpl, uint64_t& pointer);
bool read_ist(Cpu& cpu, unsigned number, uint64_t& pointer);

/// Whether the I/O permission bitmap lets [port, port + size) through; #GP(0) where not.
bool check_io_bitmap(Cpu& cpu, uint16_t port, unsigned size);

enum class TaskSwitch : uint8_t { jump, call, interrupt, return_ };

/// Switches to the task whose TSS the selector names; `next_rip` is where the old task goes on. Only outside long mode.
bool switch_task(Cpu& cpu, Selector selector, TaskSwitch why, uint64_t next_rip);

}  // namespace strata::isa::x86
