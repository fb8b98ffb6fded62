// Placing with checks, and the states of the processor that boot protocols ask for.
#include "machine/pc/boot/place.h"

#include <algorithm>
#include <cstring>

#include "base/bits.h"

namespace strata::machine::pc::boot {
namespace {

constexpr uint64_t mib = uint64_t{1} << 20;

// Descriptors at selectors 0x10 and 0x18, as Linux names them (__BOOT_CS, __BOOT_DS).
constexpr uint16_t code_selector = 0x10;
constexpr uint16_t data_selector = 0x18;
constexpr uint16_t tss_selector = 0x20;
constexpr uint64_t code_32 = 0x00cf9b000000ffff;
constexpr uint64_t code_64 = 0x00af9b000000ffff;
constexpr uint64_t data = 0x00cf93000000ffff;
constexpr uint64_t tss = 0x00008b0000000067;  // at address 0: present because processors insist on one

constexpr uint64_t cr0_protection = 1 << 0;
constexpr uint64_t cr0_extension_type = 1 << 4;
constexpr uint64_t cr0_paging = uint64_t{1} << 31;
constexpr uint64_t cr4_pae = 1 << 5;
constexpr uint64_t efer_long_mode = 1 << 8 | 1 << 10;  // LME, LMA

uint64_t needed_mib(uint64_t end) { return (end + mib - 1) / mib; }

auto does_not_fit(const Target& target, std::string_view what, uint64_t address, uint64_t size) {
  const uint64_t end = address + size;
  if (end > target.low_memory_end && end > address && end <= pci_hole_base) {
    return fail("{} needs {} MiB of memory, the machine has {} MiB: give it more", what, needed_mib(end),
                target.low_memory_end / mib);
  }
  return fail(ErrorCode::bad_data, "{} wants to be loaded at {:#x} with {:#x} bytes, where there is no memory", what,
              address, size);
}

void load_segments(iface::X86Registers& registers, uint64_t code) {
  const auto segment = [](uint16_t selector, uint64_t descriptor) {
    return iface::X86Segment{.selector = selector,
                             .attributes = static_cast<uint16_t>(descriptor >> 40 & 0xf0ff),
                             .limit = 0xffffffff,
                             .base = 0};
  };
  registers.cs = segment(code_selector, code);
  registers.ds = registers.es = registers.ss = registers.fs = registers.gs = segment(data_selector, data);
  registers.tr = {.selector = tss_selector, .attributes = 0x008b, .limit = 0x67, .base = 0};
  registers.ldtr = {.selector = 0, .attributes = 0, .limit = 0, .base = 0};
}

iface::X86Registers enter(Target& target, uint64_t entry, uint64_t code) {
  const std::array<uint64_t, 5> gdt = {0, 0, code, data, tss};
  target.memory.write(gdt_address, std::as_bytes(std::span(gdt)));
  iface::X86Registers registers;
  load_segments(registers, code);
  registers.gdtr = {.base = gdt_address, .limit = sizeof gdt - 1};
  registers.idtr = {.base = 0, .limit = 0};
  registers.rip = entry;
  registers.gpr[4] = stack_end;
  registers.cr0 = cr0_protection | cr0_extension_type;
  return registers;
}

}  // namespace

Result<void> place(Target& target, uint64_t address, std::span<const std::byte> contents, uint64_t size,
                   std::string_view what) {
  if (size == 0) return {};
  std::byte* memory = address + size > address ? target.memory.ram_pointer(address, size) : nullptr;
  if (!memory) return does_not_fit(target, what, address, size);
  if (address < structures_end) {
    return fail(ErrorCode::unsupported, "{} wants to be loaded at {:#x}: only addresses from {:#x} on are free", what,
                address, structures_end);
  }
  if (!contents.empty()) std::memcpy(memory, contents.data(), contents.size());
  std::memset(memory + contents.size(), 0, size - contents.size());
  target.memory.wrote(address, size);
  return {};
}

Result<uint64_t> place_segments(Target& target, const ElfFile& elf) {
  uint64_t end = 0;
  for (const ElfSegment& segment : elf.segments) {
    STRATA_TRY(place(target, segment.physical, segment.contents, segment.size, "the kernel"));
    end = std::max(end, segment.physical + segment.size);
  }
  return end;
}

Result<uint64_t> place_initrd(Target& target, std::span<const std::byte> initrd, uint64_t lowest, uint64_t limit) {
  if (initrd.empty()) return 0;
  limit = std::min(limit, target.low_memory_end);
  const uint64_t address = initrd.size() <= limit ? align_down(limit - initrd.size(), memory::page_size) : 0;
  if (address < lowest) {
    return fail(
        "the initrd of {} MiB does not fit beside the kernel: it needs {} MiB of memory, the machine has {} MiB",
        needed_mib(initrd.size()), needed_mib(lowest + initrd.size()), target.low_memory_end / mib);
  }
  STRATA_TRY(place(target, address, initrd, initrd.size(), "the initrd"));
  return address;
}

Result<void> place_command_line(Target& target, std::string_view text, uint64_t longest) {
  longest = std::min(longest, command_line_limit - 1);
  if (text.size() > longest) {
    return fail(ErrorCode::usage, "the kernel's command line has {} characters, this kernel takes {}", text.size(),
                longest);
  }
  target.memory.write(command_line_address, std::as_bytes(std::span(text)));
  target.memory.write_as<uint8_t>(command_line_address + text.size(), 0);
  return {};
}

iface::X86Registers enter_protected_mode(Target& target, uint64_t entry) { return enter(target, entry, code_32); }

iface::X86Registers enter_long_mode(Target& target, uint64_t entry) {
  constexpr unsigned gib_mapped = 4;
  constexpr uint64_t present_writable = 3;
  constexpr uint64_t large = 1 << 7;
  constexpr uint64_t large_page = 2 * mib;
  constexpr unsigned entries = 512;
  std::vector<uint64_t> tables(entries * (2 + gib_mapped));
  tables[0] = (page_tables_address + memory::page_size) | present_writable;
  for (unsigned i = 0; i < gib_mapped; ++i) {
    tables[entries + i] = (page_tables_address + (2 + i) * memory::page_size) | present_writable;
  }
  for (unsigned i = 0; i < gib_mapped * entries; ++i) {
    tables[2 * entries + i] = i * large_page | large | present_writable;
  }
  target.memory.write(page_tables_address, std::as_bytes(std::span(tables)));
  iface::X86Registers registers = enter(target, entry, code_64);
  registers.cr0 |= cr0_paging;
  registers.cr3 = page_tables_address;
  registers.cr4 = cr4_pae;
  registers.efer = efer_long_mode;
  return registers;
}

}  // namespace strata::machine::pc::boot
