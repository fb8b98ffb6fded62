// Where a boot loader puts its own structures, and checked ways to put things into RAM.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/result.h"
#include "machine/pc/boot/elf.h"
#include "machine/pc/boot/loader.h"

namespace strata::machine::pc::boot {

// Below 640 KiB, out of the way of every kernel that is loaded at 1 MiB or above.
inline constexpr uint64_t gdt_address = 0x1000;
inline constexpr uint64_t page_tables_address = 0x2000;  ///< six pages
inline constexpr uint64_t info_address = 0x9000;         ///< zero page, hvm_start_info or multiboot information
inline constexpr uint64_t info_more_address = 0xb000;    ///< what that points to
inline constexpr uint64_t stack_end = 0x10000;
inline constexpr uint64_t command_line_address = 0x20000;
inline constexpr uint64_t command_line_limit = 0x10000;
inline constexpr uint64_t structures_end = command_line_address + command_line_limit;

/// Copies `contents` to `address` and zeroes up to `size`. Fails when that is not all RAM, or ours. `what` names it.
Result<void> place(Target& target, uint64_t address, std::span<const std::byte> contents, uint64_t size,
                   std::string_view what);

/// All segments; the end of the highest one.
Result<uint64_t> place_segments(Target& target, const ElfFile& elf);

/// As high as possible below `limit`, page aligned, at or above `lowest`. Its address; 0 for an empty one.
Result<uint64_t> place_initrd(Target& target, std::span<const std::byte> initrd, uint64_t lowest, uint64_t limit);

/// With its terminating zero, at command_line_address. `longest` is what the kernel takes, without the zero.
Result<void> place_command_line(Target& target, std::string_view text, uint64_t longest);

/// Flat 32-bit protected mode without paging, interrupts off.
iface::X86Registers enter_protected_mode(Target& target, uint64_t entry);
/// 64-bit mode with the first 4 GiB mapped to themselves.
iface::X86Registers enter_long_mode(Target& target, uint64_t entry);

}  // namespace strata::machine::pc::boot
