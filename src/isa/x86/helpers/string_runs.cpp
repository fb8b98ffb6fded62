// Runs of string elements in host memory: memcpy and memset where order does not matter.
#include "isa/x86/helpers/string_runs.h"

#include <cstring>

namespace strata::isa::x86::helpers {

std::byte* host_memory(ir::ExecContext& context, uint64_t address, ir::Space space, bool for_write) {
  const ir::Tlb* tlb = context.tlb[space];
  if (!tlb) return nullptr;
  const ir::TlbEntry& entry = tlb->at(address);
  const uint64_t tag = for_write ? entry.write : entry.read;
  if (tag != ir::page_number(address)) return nullptr;
  return reinterpret_cast<std::byte*>(address + entry.addend);  // the TLB's promise: guest address + addend is RAM
}

void move_run(std::byte* to, const std::byte* from, uint64_t elements, unsigned size, bool down) {
  const uint64_t bytes = elements * size;
  const std::byte* low_from = down ? from - (bytes - size) : from;
  std::byte* low_to = down ? to - (bytes - size) : to;
  const bool overlap = low_to < low_from + bytes && low_from < low_to + bytes;
  if (!overlap) {
    std::memcpy(low_to, low_from, bytes);
    return;
  }
  for (uint64_t i = 0; i < elements; ++i) {
    std::byte element[8];
    std::memcpy(element, from, size);
    std::memcpy(to, element, size);
    from = down ? from - size : from + size;
    to = down ? to - size : to + size;
  }
}

void fill_run(std::byte* to, uint64_t value, uint64_t elements, unsigned size) {
  if (size == 1 || value == 0) {
    std::memset(to, static_cast<int>(value & 0xff), elements * size);
    return;
  }
  for (uint64_t i = 0; i < elements; ++i) std::memcpy(to + i * size, &value, size);
}

}  // namespace strata::isa::x86::helpers
