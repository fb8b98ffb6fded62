// A bare x86 processor with RAM and some registers set, for tests and benchmarks.
#pragma once

#include <memory>
#include <utility>

#include "engine/x86_vcpu.h"

namespace strata::engine {

struct X86Machine {
  static constexpr uint64_t ram_size = 4 << 20;
  std::unique_ptr<memory::Ram> ram = std::move(*memory::Ram::make(ram_size));
  memory::DeviceLock lock;
  memory::AddressSpace space{*ram, lock};
  memory::PortSpace ports{lock};
  X86VcpuOptions options{.memory = &space, .ports = &ports};
  std::unique_ptr<X86Vcpu> cpu;

  X86Machine() { space.add({.name = "ram", .base = 0, .size = ram_size, .kind = memory::Kind::ram}); }

  /// (Again) with the options as they are.
  void make() {
    cpu.reset();
    cpu = std::move(*make_x86_vcpu(options));
  }

  void real_mode(uint64_t pc) {
    iface::X86Registers registers;
    registers.cs = {.selector = 0, .attributes = 0x9b, .limit = 0xffff, .base = 0};
    for (auto* segment : {&registers.ds, &registers.es, &registers.ss, &registers.fs, &registers.gs})
      *segment = {.selector = 0, .attributes = 0x93, .limit = 0xffff, .base = 0};
    registers.cr0 = 0x10;
    registers.idtr = {.base = 0, .limit = 0x3ff};
    registers.gpr[4] = 0x8000;
    registers.rip = pc;
    cpu->set_registers(registers);
  }

  /// Pages of 2 MiB, mapped to themselves, for everybody.
  void long_mode(uint64_t pc) {
    space.write_as<uint64_t>(0x10000, 0x11007);
    space.write_as<uint64_t>(0x11000, 0x12007);
    for (uint64_t i = 0; i < 2; ++i) space.write_as<uint64_t>(0x12000 + i * 8, (i << 21) | 0x87);
    iface::X86Registers registers;
    registers.cs = {.selector = 8, .attributes = 0xa09b, .limit = 0xffffffff, .base = 0};
    for (auto* segment : {&registers.ds, &registers.es, &registers.ss, &registers.fs, &registers.gs})
      *segment = {.selector = 16, .attributes = 0xc093, .limit = 0xffffffff, .base = 0};
    registers.cr0 = 0x80000011;
    registers.cr3 = 0x10000;
    registers.cr4 = 0x20;
    registers.efer = 0x500;
    registers.gpr[4] = 0x8000;
    registers.rip = pc;
    cpu->set_registers(registers);
  }
};

}  // namespace strata::engine
