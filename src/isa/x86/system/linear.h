// Reads and writes of linear memory by system code: descriptor tables, stacks, task state segments.
#pragma once

#include <cstdint>

#include "isa/x86/cpu.h"
#include "isa/x86/mode.h"

namespace strata::isa::x86 {

// Each gives false when the access is refused; the page fault is then recorded.

template <class T>
bool read_linear(Cpu& cpu, uint64_t address, T& value, ir::Space space = space_supervisor) {
  return cpu.host->read(address, &value, sizeof value, space);
}

template <class T>
bool write_linear(Cpu& cpu, uint64_t address, const T& value, ir::Space space = space_supervisor) {
  return cpu.host->write(address, &value, sizeof value, space);
}

/// An unsigned integer of 2, 4 or 8 bytes.
inline bool read_linear(Cpu& cpu, uint64_t address, unsigned size, uint64_t& value, ir::Space space) {
  value = 0;
  return cpu.host->read(address, &value, size, space);
}

inline bool write_linear(Cpu& cpu, uint64_t address, unsigned size, uint64_t value, ir::Space space) {
  return cpu.host->write(address, &value, size, space);
}

}  // namespace strata::isa::x86
