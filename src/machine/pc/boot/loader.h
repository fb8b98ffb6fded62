// Direct boot: puts a kernel into the memory of a PC without firmware, and says how its processor starts.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "iface/x86_registers.h"
#include "machine/pc/board.h"

namespace strata::machine::pc::boot {

/// Borrowed for the time of the call.
struct Source {
  std::span<const std::byte> kernel;
  std::span<const std::byte> initrd;  ///< empty: none
  std::string_view command_line;
};

/// The machine to be filled.
struct Target {
  memory::AddressSpace& memory;
  uint64_t low_memory_end;  ///< RAM from 1 MiB to here
  std::vector<MemoryRange> memory_map;
  uint64_t rsdp;  ///< where the ACPI tables are
};

/// Knows Linux bzImages (protocol 2.06 and later), ELF files with a PVH entry, and multiboot 1. Anything else, and
/// anything damaged or too large, is an error in one line; memory may then be half filled.
Result<iface::X86Registers> load(Target& target, const Source& source);

// One for each format; `load` finds out which.
bool is_bzimage(std::span<const std::byte> kernel);
Result<iface::X86Registers> load_bzimage(Target& target, const Source& source);
Result<iface::X86Registers> load_pvh(Target& target, const Source& source);
bool is_multiboot(std::span<const std::byte> kernel);
Result<iface::X86Registers> load_multiboot(Target& target, const Source& source);

}  // namespace strata::machine::pc::boot
