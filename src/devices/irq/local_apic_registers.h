// Names of the local APIC's registers and their bits (Intel SDM volume 3, tables 11-1 and 11-6).
#pragma once

#include <cstdint>

namespace strata::devices::apic {

/// Register numbers: MMIO offset / 16, and MSR - 0x800.
enum Register : unsigned {
  reg_id = 0x02,
  reg_version = 0x03,
  reg_task_priority = 0x08,
  reg_arbitration_priority = 0x09,
  reg_processor_priority = 0x0a,
  reg_eoi = 0x0b,
  reg_remote_read = 0x0c,
  reg_logical_destination = 0x0d,
  reg_destination_format = 0x0e,
  reg_spurious = 0x0f,
  reg_in_service = 0x10,
  reg_trigger_mode = 0x18,
  reg_request = 0x20,
  reg_error_status = 0x28,
  reg_command = 0x30,
  reg_command_high = 0x31,
  reg_lvt_timer = 0x32,
  reg_lvt_error = 0x37,
  reg_initial_count = 0x38,
  reg_current_count = 0x39,
  reg_divide = 0x3e,
  reg_self_ipi = 0x3f,
};

inline constexpr uint32_t msr_apic_base = 0x1b;
inline constexpr uint32_t msr_tsc_deadline = 0x6e0;
inline constexpr uint32_t msr_x2apic_first = 0x800;
inline constexpr uint32_t msr_x2apic_last = 0x83f;

// IA32_APIC_BASE
inline constexpr uint64_t base_bootstrap = 1 << 8;
inline constexpr uint64_t base_x2apic = 1 << 10;
inline constexpr uint64_t base_enable = 1 << 11;
inline constexpr uint64_t base_address = 0x000ffffffffff000;

inline constexpr uint32_t spurious_enable = 1 << 8;
inline constexpr uint32_t spurious_writable = 0x1ff;

// Local vector table
inline constexpr uint32_t lvt_masked = 1 << 16;
inline constexpr uint32_t lvt_remote_irr = 1 << 14;
inline constexpr uint32_t lvt_pending = 1 << 12;

// Error status register
inline constexpr uint32_t error_send_vector = 1 << 5;
inline constexpr uint32_t error_received_vector = 1 << 6;
inline constexpr uint32_t error_register = 1 << 7;

inline constexpr unsigned first_vector = 16;

/// Version 0x14, six LVT entries.
inline constexpr uint32_t version = 0x14 | 5 << 16;

}  // namespace strata::devices::apic
