// ACPI tables (ACPI 6.5, section 5.2): headers, checksums, and the fixed tables.
#include "machine/pc/acpi/tables.h"

#include <cstring>
#include <string_view>

#include "base/assert.h"
#include "base/bits.h"
#include "devices/irq/io_apic.h"
#include "devices/irq/local_apic.h"
#include "machine/pc/acpi/dsdt.h"
#include "machine/pc/layout.h"

namespace strata::machine::pc::acpi {
namespace {

constexpr size_t header_size = 36;
constexpr size_t rsdp_size = 36;

using Bytes = std::vector<std::byte>;

void put(Bytes& to, uint64_t value, unsigned size) {
  for (unsigned i = 0; i < size; ++i) to.push_back(static_cast<std::byte>(value >> (8 * i)));
}
void put(Bytes& to, std::string_view text) {
  for (const char c : text) to.push_back(static_cast<std::byte>(c));
}
void set(Bytes& in, size_t offset, uint64_t value, unsigned size) {
  for (unsigned i = 0; i < size; ++i) in.at(offset + i) = static_cast<std::byte>(value >> (8 * i));
}

/// What makes the bytes sum to zero.
uint8_t checksum(const std::byte* bytes, size_t size) {
  uint8_t sum = 0;
  for (size_t i = 0; i < size; ++i) sum = static_cast<uint8_t>(sum + std::to_integer<uint8_t>(bytes[i]));
  return static_cast<uint8_t>(-sum);
}

void add_checksum(Bytes& table) {
  constexpr size_t offset = 9;
  table[offset] = std::byte{0};
  table[offset] = std::byte{checksum(table.data(), table.size())};
}

Bytes table(std::string_view signature, uint8_t revision, const Bytes& contents) {
  Bytes out;
  put(out, signature);
  put(out, header_size + contents.size(), 4);
  put(out, revision, 1);
  put(out, 0, 1);  // checksum
  put(out, "STRATA");
  put(out, "STRATAPC");
  put(out, 1, 4);
  put(out, "STRA");
  put(out, 1, 4);
  STRATA_ASSERT(out.size() == header_size);
  out.insert(out.end(), contents.begin(), contents.end());
  add_checksum(out);
  return out;
}

/// Offsets in the FADT (table 5.9), header included.
enum FadtOffset : size_t {
  fadt_facs = 36,
  fadt_dsdt = 40,
  fadt_sci = 46,
  fadt_pm1a_event = 56,
  fadt_pm1a_control = 64,
  fadt_pm_timer = 76,
  fadt_pm1_event_length = 88,
  fadt_pm1_control_length = 89,
  fadt_pm_timer_length = 91,
  fadt_c2_latency = 96,
  fadt_c3_latency = 98,
  fadt_century = 108,
  fadt_boot_flags = 109,
  fadt_flags = 112,
  fadt_reset_register = 116,
  fadt_reset_value = 128,
  fadt_minor = 131,
  fadt_x_facs = 132,
  fadt_x_dsdt = 140,
  fadt_x_pm1a_event = 148,
  fadt_x_pm1a_control = 172,
  fadt_x_pm_timer = 208,
  fadt_size = 276,
};

/// Generic address structure of an I/O port (table 5.1).
void set_port(Bytes& fadt, size_t at, uint16_t port, unsigned bits, uint8_t access) {
  constexpr uint8_t system_io = 1;
  set(fadt, at, system_io, 1);
  set(fadt, at + 1, bits, 1);
  set(fadt, at + 3, access, 1);
  set(fadt, at + 4, port, 8);
}

Bytes make_fadt(uint32_t facs, uint32_t dsdt) {
  constexpr uint64_t no_c2 = 101;  // microseconds: more than 100 says there is none
  constexpr uint64_t no_c3 = 1001;
  constexpr uint64_t boot_flags = 1 << 0 | 1 << 2;  // ISA devices; no VGA, no 8042 to probe
  constexpr uint64_t flags = 1 << 0                 // WBINVD works
                             | 1 << 2               // C1 on all processors
                             | 1 << 5               // no sleep button in fixed hardware; the power button is
                             | 1 << 8               // 32-bit timer
                             | 1 << 10;             // reset register
  Bytes fadt = table("FACP", 6, Bytes(fadt_size - header_size));
  set(fadt, fadt_facs, facs, 4);
  set(fadt, fadt_dsdt, dsdt, 4);
  set(fadt, fadt_sci, sci_irq, 2);
  set(fadt, fadt_pm1a_event, acpi_pm_port, 4);
  set(fadt, fadt_pm1a_control, acpi_control_port, 4);
  set(fadt, fadt_pm_timer, pm_timer_port, 4);
  set(fadt, fadt_pm1_event_length, 4, 1);
  set(fadt, fadt_pm1_control_length, 2, 1);
  set(fadt, fadt_pm_timer_length, 4, 1);
  set(fadt, fadt_c2_latency, no_c2, 2);
  set(fadt, fadt_c3_latency, no_c3, 2);
  set(fadt, fadt_century, 0x32, 1);
  set(fadt, fadt_boot_flags, boot_flags, 2);
  set(fadt, fadt_flags, flags, 4);
  set_port(fadt, fadt_reset_register, reset_control_port, 8, 1);
  set(fadt, fadt_reset_value, 0x06, 1);
  set(fadt, fadt_minor, 5, 1);
  set(fadt, fadt_x_dsdt, dsdt, 8);
  set_port(fadt, fadt_x_pm1a_event, acpi_pm_port, 32, 2);
  set_port(fadt, fadt_x_pm1a_control, acpi_control_port, 16, 2);
  set_port(fadt, fadt_x_pm_timer, pm_timer_port, 32, 3);
  add_checksum(fadt);
  return fadt;
}

Bytes make_facs() {
  constexpr size_t facs_size = 64;
  Bytes facs;
  put(facs, "FACS");
  put(facs, facs_size, 4);
  facs.resize(facs_size);
  set(facs, 32, 2, 1);  // version
  return facs;
}

/// Interrupt controllers (section 5.2.12).
Bytes make_madt(unsigned cpus) {
  constexpr uint16_t level_active_high = 0x000d;
  Bytes madt;
  put(madt, devices::LocalApic::default_base, 4);
  put(madt, 1, 4);  // there is a PIC too
  for (unsigned i = 0; i < cpus; ++i) {
    put(madt, 0, 1);  // local APIC
    put(madt, 8, 1);
    put(madt, i, 1);
    put(madt, i, 1);
    put(madt, 1, 4);  // enabled
  }
  put(madt, 1, 1);  // IO-APIC
  put(madt, 12, 1);
  put(madt, io_apic_id, 1);
  put(madt, 0, 1);
  put(madt, devices::IoApic::default_base, 4);
  put(madt, 0, 4);
  const auto add_override = [&](unsigned irq, unsigned pin, uint16_t flags) {
    put(madt, 2, 1);
    put(madt, 10, 1);
    put(madt, 0, 1);
    put(madt, irq, 1);
    put(madt, pin, 4);
    put(madt, flags, 2);
  };
  add_override(timer_irq, timer_pin, 0);
  add_override(sci_irq, sci_irq, level_active_high);
  put(madt, 4, 1);  // NMI at LINT1 of every processor
  put(madt, 6, 1);
  put(madt, 0xff, 1);
  put(madt, 0, 2);
  put(madt, 1, 1);
  return table("APIC", 4, madt);
}

Bytes make_pointers(std::string_view signature, unsigned size, std::initializer_list<uint32_t> tables) {
  Bytes out;
  for (const uint32_t address : tables) put(out, address, size);
  return table(signature, 1, out);
}

Bytes make_rsdp(uint32_t rsdt, uint32_t xsdt) {
  constexpr size_t first_part = 20;
  Bytes rsdp;
  put(rsdp, "RSD PTR ");
  put(rsdp, 0, 1);
  put(rsdp, "STRATA");
  put(rsdp, 2, 1);
  put(rsdp, rsdt, 4);
  put(rsdp, rsdp_size, 4);
  put(rsdp, xsdt, 8);
  put(rsdp, 0, 4);
  rsdp[8] = std::byte{checksum(rsdp.data(), first_part)};
  rsdp[32] = std::byte{checksum(rsdp.data(), rsdp.size())};
  return rsdp;
}

}  // namespace

std::vector<std::byte> make_tables(uint32_t base, unsigned cpus) {
  Bytes all(rsdp_size);  // written last: it points to the others
  const auto append = [&](const Bytes& bytes) {
    all.resize(align_up(all.size(), size_t{64}));  // the FACS wants 64, the others take it
    const auto address = static_cast<uint32_t>(base + all.size());
    all.insert(all.end(), bytes.begin(), bytes.end());
    return address;
  };
  const uint32_t facs = append(make_facs());
  const uint32_t dsdt = append(table("DSDT", 2, make_dsdt(cpus)));
  const uint32_t fadt = append(make_fadt(facs, dsdt));
  const uint32_t madt = append(make_madt(cpus));
  const uint32_t rsdt = append(make_pointers("RSDT", 4, {fadt, madt}));
  const uint32_t xsdt = append(make_pointers("XSDT", 8, {fadt, madt}));
  const Bytes rsdp = make_rsdp(rsdt, xsdt);
  std::memcpy(all.data(), rsdp.data(), rsdp.size());
  STRATA_ASSERT(base + all.size() <= high_memory);
  return all;
}

}  // namespace strata::machine::pc::acpi
