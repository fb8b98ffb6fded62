// Multiboot 1 (the specification's version 0.6.96): kernels of teaching and hobby systems, as GRUB boots them.
#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>

#include "base/bits.h"
#include "machine/pc/boot/place.h"

namespace strata::machine::pc::boot {
namespace {

constexpr uint32_t header_magic = 0x1badb002;
constexpr uint32_t loader_magic = 0x2badb002;
constexpr size_t search_size = 8192;

// Header flags.
constexpr uint32_t want_page_alignment = 1 << 0;
constexpr uint32_t want_memory = 1 << 1;
constexpr uint32_t has_addresses = 1 << 16;
constexpr uint32_t known_requirements = want_page_alignment | want_memory;

struct Header {
  uint32_t magic, flags, checksum;
  uint32_t header_address, load_address, load_end_address, bss_end_address, entry_address;
};

// Information flags.
constexpr uint32_t info_memory = 1 << 0;
constexpr uint32_t info_command_line = 1 << 2;
constexpr uint32_t info_modules = 1 << 3;
constexpr uint32_t info_memory_map = 1 << 6;
constexpr uint32_t info_loader_name = 1 << 9;

struct Info {
  uint32_t flags = 0;
  uint32_t memory_lower = 0, memory_upper = 0;  // KiB
  uint32_t boot_device = 0;
  uint32_t command_line = 0;
  uint32_t module_count = 0, modules = 0;
  uint32_t symbols[4] = {};
  uint32_t memory_map_length = 0, memory_map = 0;
  uint32_t drives_length = 0, drives = 0;
  uint32_t config_table = 0;
  uint32_t loader_name = 0;
};

struct Module {
  uint32_t start, end, text, reserved;
};

#pragma pack(push, 1)
struct MapEntry {
  uint32_t size;  // of what follows
  uint64_t base, length;
  uint32_t type;
};
#pragma pack(pop)

constexpr uint64_t module_address = info_more_address;
constexpr uint64_t name_address = module_address + sizeof(Module);
constexpr uint64_t map_address = name_address + 16;

struct Found {
  Header header;
  size_t offset;  ///< in the file
};

std::optional<Found> find_header(std::span<const std::byte> kernel) {
  for (size_t offset = 0; offset + 12 <= std::min(kernel.size(), search_size); offset += 4) {
    Header header = {};
    std::memcpy(&header, &kernel[offset], std::min(sizeof header, kernel.size() - offset));
    if (header.magic == header_magic && header.magic + header.flags + header.checksum == 0)
      return Found{header, offset};
  }
  return std::nullopt;
}

struct Loaded {
  uint64_t entry, end;
};

/// Placed by the addresses in the header.
Result<Loaded> load_by_addresses(Target& target, std::span<const std::byte> kernel, const Found& found) {
  const Header& header = found.header;
  const uint64_t before = uint64_t{header.header_address} - header.load_address;
  if (header.load_address > header.header_address || before > found.offset) {
    return fail(ErrorCode::bad_data, "the multiboot header is damaged: load address {:#x}, header address {:#x}",
                header.load_address, header.header_address);
  }
  auto contents = kernel.subspan(found.offset - before);
  if (header.load_end_address != 0) {
    const uint64_t size = uint64_t{header.load_end_address} - header.load_address;
    if (header.load_end_address < header.load_address || size > contents.size()) {
      return fail(ErrorCode::bad_data, "the multiboot kernel is cut off: it loads up to {:#x}, the file ends at {:#x}",
                  header.load_end_address, header.load_address + contents.size());
    }
    contents = contents.first(size);
  }
  const uint64_t end = std::max<uint64_t>(header.load_address + contents.size(), header.bss_end_address);
  STRATA_TRY(place(target, header.load_address, contents, end - header.load_address, "the kernel"));
  return Loaded{header.entry_address, end};
}

Result<Loaded> load_by_elf(Target& target, std::span<const std::byte> kernel) {
  const ElfFile elf = STRATA_TRY(parse_elf(kernel));
  const uint64_t end = STRATA_TRY(place_segments(target, elf));
  return Loaded{elf.entry, end};
}

void write_info(Target& target, const Source& source, uint64_t initrd) {
  using namespace std::string_view_literals;
  constexpr std::string_view loader_name = "Strata\0"sv;
  Info info;
  info.flags = info_memory | info_command_line | info_memory_map | info_loader_name;
  info.memory_lower = conventional_end / 1024;
  info.memory_upper = static_cast<uint32_t>((target.low_memory_end - high_memory) / 1024);
  info.command_line = command_line_address;
  if (initrd != 0) {
    info.flags |= info_modules;
    info.module_count = 1;
    info.modules = module_address;
    target.memory.write_as(module_address, Module{static_cast<uint32_t>(initrd),
                                                  static_cast<uint32_t>(initrd + source.initrd.size()), 0, 0});
  }
  info.loader_name = name_address;
  target.memory.write(name_address, std::as_bytes(std::span(loader_name)));
  info.memory_map = map_address;
  info.memory_map_length = static_cast<uint32_t>(target.memory_map.size() * sizeof(MapEntry));
  for (size_t i = 0; i < target.memory_map.size(); ++i) {
    const MemoryRange& range = target.memory_map[i];
    target.memory.write_as(map_address + i * sizeof(MapEntry),
                           MapEntry{sizeof(MapEntry) - 4, range.base, range.size, range.type});
  }
  target.memory.write_as(info_address, info);
}

}  // namespace

bool is_multiboot(std::span<const std::byte> kernel) { return find_header(kernel).has_value(); }

Result<iface::X86Registers> load_multiboot(Target& target, const Source& source) {
  const auto found = find_header(source.kernel);
  if (!found) return fail(ErrorCode::bad_data, "the kernel has no multiboot header");
  // Bits 0 to 15 are requirements: what is not known must be refused (3.1.2).
  if (const uint32_t unknown = found->header.flags & 0xffff & ~known_requirements; unknown != 0) {
    return fail(ErrorCode::unsupported, "the multiboot kernel requires features {:#x}, which are not known", unknown);
  }
  const Loaded loaded =
      STRATA_TRY((found->header.flags & has_addresses) != 0 ? load_by_addresses(target, source.kernel, *found)
                                                            : load_by_elf(target, source.kernel));
  const uint64_t initrd = STRATA_TRY(place_initrd(target, source.initrd, loaded.end, four_gib));
  STRATA_TRY(place_command_line(target, source.command_line, command_line_limit - 1));
  write_info(target, source, initrd);
  iface::X86Registers registers = enter_protected_mode(target, loaded.entry);
  constexpr unsigned rax = 0;
  constexpr unsigned rbx = 3;
  registers.gpr[rax] = loader_magic;
  registers.gpr[rbx] = info_address;
  return registers;
}

}  // namespace strata::machine::pc::boot
