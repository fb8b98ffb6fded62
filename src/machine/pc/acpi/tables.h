// The ACPI tables of this PC, as its firmware leaves them in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace strata::machine::pc::acpi {

/// RSDP first, at `base` (16-byte aligned, below 1 MiB), then RSDT, XSDT, FADT, FACS, MADT and DSDT.
std::vector<std::byte> make_tables(uint32_t base, unsigned cpus);

}  // namespace strata::machine::pc::acpi
