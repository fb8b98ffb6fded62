// An ELF file as a boot loader needs it: segments with their physical places, the entry, and Xen's note for PVH.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"

namespace strata::machine::pc::boot {

struct ElfSegment {
  std::span<const std::byte> contents;
  uint64_t physical = 0;
  uint64_t size = 0;  ///< in memory: what contents do not fill is zero
};

struct ElfFile {
  bool is_64 = false;
  uint64_t entry = 0;
  std::vector<ElfSegment> segments;   ///< those to load, at least one
  std::optional<uint32_t> pvh_entry;  ///< XEN_ELFNOTE_PHYS32_ENTRY
};

bool is_elf(std::span<const std::byte> file);

/// Executables for 32- and 64-bit x86. Spans point into `file`.
Result<ElfFile> parse_elf(std::span<const std::byte> file);

}  // namespace strata::machine::pc::boot
