// Where everything stands in this PC: physical addresses, ports and interrupt lines, in one place.
#pragma once

#include <array>
#include <cstdint>

namespace strata::machine::pc {

// Physical addresses.
inline constexpr uint64_t conventional_end = 0x9fc00;  ///< the last KiB below 640 KiB is the extended BIOS data area
inline constexpr uint64_t vga_base = 0xa0000;
inline constexpr uint64_t option_rom_base = 0xc0000;
inline constexpr uint64_t acpi_tables_base = 0xe0000;  ///< where systems look for the RSDP
inline constexpr uint64_t bios_base = 0xf0000;
inline constexpr uint64_t high_memory = 0x100000;
inline constexpr uint64_t pci_hole_base = 0xc0000000;  ///< RAM ends here, at the latest, and goes on at 4 GiB
inline constexpr uint64_t pci_hole_end = 0xfec00000;
inline constexpr uint64_t four_gib = uint64_t{1} << 32;

// Ports.
inline constexpr uint16_t pic_master_port = 0x20;
inline constexpr uint16_t pit_port = 0x40;
inline constexpr uint16_t keyboard_data_port = 0x60;
inline constexpr uint16_t speaker_port = 0x61;
inline constexpr uint16_t keyboard_command_port = 0x64;
inline constexpr uint16_t rtc_port = 0x70;
inline constexpr uint16_t post_port = 0x80;
inline constexpr uint16_t system_control_port = 0x92;
inline constexpr uint16_t pic_slave_port = 0xa0;
inline constexpr uint16_t debug_exit_port = 0xf4;
inline constexpr uint16_t com1_port = 0x3f8;
inline constexpr uint16_t pic_edge_level_port = 0x4d0;
inline constexpr uint16_t acpi_pm_port = 0x600;
inline constexpr uint16_t acpi_control_port = acpi_pm_port + 4;
inline constexpr uint16_t pm_timer_port = 0x608;
inline constexpr uint16_t reset_control_port = 0xcf9;
inline constexpr uint16_t pci_config_port = 0xcf8;
inline constexpr uint16_t pci_io_base = 0xc000;
inline constexpr uint32_t pci_io_size = 0x3000;

// Interrupt lines.
inline constexpr unsigned timer_irq = 0;
inline constexpr unsigned com1_irq = 4;
inline constexpr unsigned rtc_irq = 8;
inline constexpr unsigned sci_irq = 9;
inline constexpr unsigned timer_pin = 2;                               ///< IRQ 0 arrives at pin 2 of the IO-APIC
inline constexpr unsigned first_pirq_pin = 16;                         ///< INTx line n arrives at pin 16 + n
inline constexpr std::array<uint8_t, 4> pirq_irqs = {10, 10, 11, 11};  ///< and at these lines of the PIC
inline constexpr uint16_t level_irqs = 1 << sci_irq | 1 << 10 | 1 << 11;

inline constexpr uint8_t io_apic_id = 0;

inline constexpr unsigned most_processors = 64;

}  // namespace strata::machine::pc
