// Linux bzImage (Documentation/arch/x86/boot.rst): the 64- and 32-bit boot protocols, unpacked here where that works.
#include <algorithm>
#include <cstring>

#include "base/bits.h"
#include "base/log.h"
#include "machine/pc/boot/decompress.h"
#include "machine/pc/boot/place.h"

namespace strata::machine::pc::boot {
namespace {

// Offsets in the zero page (struct boot_params); the setup header has the same ones in the file.
enum Offset : size_t {
  acpi_rsdp = 0x070,
  e820_entries = 0x1e8,
  setup_sects = 0x1f1,
  syssize = 0x1f4,
  boot_flag = 0x1fe,
  jump_length = 0x201,
  header_magic = 0x202,
  version = 0x206,
  type_of_loader = 0x210,
  loadflags = 0x211,
  ramdisk_image = 0x218,
  ramdisk_size = 0x21c,
  cmd_line_ptr = 0x228,
  initrd_addr_max = 0x22c,
  kernel_alignment = 0x230,
  relocatable_kernel = 0x234,
  xloadflags = 0x236,
  cmdline_size = 0x238,
  payload_offset = 0x248,
  payload_length = 0x24c,
  pref_address = 0x258,
  init_size = 0x260,
  header_end_2_10 = 0x264,
  e820_table = 0x2d0,
};

constexpr size_t zero_page_size = 4096;
constexpr uint32_t hdrs = 0x53726448;  // "HdrS"
constexpr uint16_t oldest_version = 0x0206;
constexpr uint16_t payload_version = 0x0208;
constexpr uint16_t init_size_version = 0x020a;
constexpr uint16_t xloadflags_version = 0x020c;
constexpr uint8_t loaded_high = 1 << 0;
constexpr uint16_t kernel_64 = 1 << 0;  // xloadflags: has a 64-bit entry at 0x200
constexpr uint8_t other_loader = 0xff;
constexpr size_t sector = 512;
constexpr uint64_t entry_64_offset = 0x200;
constexpr size_t e820_entry_size = 20;

auto bad(std::string_view what) { return fail(ErrorCode::bad_data, "the kernel is damaged: {}", what); }

/// The setup header's fields that matter here, checked against the file.
struct Header {
  uint16_t protocol = 0;
  bool has_64_bit_entry = false;
  bool relocatable = false;
  uint64_t initrd_max = 0;
  uint64_t command_line_max = 0;
  uint64_t preferred = 0;
  uint64_t memory_needed = 0;  ///< from the load address on, before the kernel looks at the memory map
  std::span<const std::byte> protected_mode;
  std::span<const std::byte> payload;  ///< empty: unknown
};

template <class T>
T field(std::span<const std::byte> kernel, Offset offset) {
  return load_le<T>(kernel.data() + offset);
}

Result<Header> parse(std::span<const std::byte> kernel) {
  Header header;
  header.protocol = field<uint16_t>(kernel, version);
  if (header.protocol < oldest_version) {
    return fail(ErrorCode::unsupported,
                "the kernel speaks boot protocol {}.{:02}, 2.06 (Linux 2.6.22) is the oldest known",
                header.protocol >> 8, header.protocol & 0xff);
  }
  if ((field<uint8_t>(kernel, loadflags) & loaded_high) == 0) {
    return fail(ErrorCode::unsupported, "the kernel is a zImage, which is loaded low: only bzImages are known");
  }
  const uint8_t sectors = field<uint8_t>(kernel, setup_sects);
  const size_t setup_size = (size_t{sectors == 0 ? uint8_t{4} : sectors} + 1) * sector;
  const uint64_t code_size = uint64_t{field<uint32_t>(kernel, syssize)} * 16;
  if (setup_size >= kernel.size()) return bad("it ends inside its setup code");
  // The last paragraph may be cut short by the build.
  if (code_size > align_up(uint64_t{kernel.size() - setup_size}, 16)) {
    return bad(fmt::format("{} bytes of code are announced, {} are there", code_size, kernel.size() - setup_size));
  }
  header.protected_mode = kernel.subspan(setup_size);
  header.relocatable = field<uint8_t>(kernel, relocatable_kernel) != 0;
  header.initrd_max = uint64_t{field<uint32_t>(kernel, initrd_addr_max)} + 1;
  header.command_line_max = field<uint32_t>(kernel, cmdline_size);
  header.preferred = high_memory;
  header.memory_needed = header.protected_mode.size();
  if (header.protocol >= payload_version) {
    const auto offset = field<uint32_t>(kernel, payload_offset);
    const auto length = field<uint32_t>(kernel, payload_length);
    if (uint64_t{offset} + length > header.protected_mode.size()) return bad("its payload lies beyond its end");
    header.payload = header.protected_mode.subspan(offset, length);
  }
  if (header.protocol >= init_size_version) {
    header.preferred = field<uint64_t>(kernel, pref_address);
    header.memory_needed = std::max<uint64_t>(header.memory_needed, field<uint32_t>(kernel, init_size));
  }
  header.has_64_bit_entry =
      header.protocol >= xloadflags_version && (field<uint16_t>(kernel, xloadflags) & kernel_64) != 0;
  return header;
}

struct Loaded {
  uint64_t entry = 0;
  bool long_mode = false;
  uint64_t end = 0;  ///< no initrd below this
};

/// Unpacks the payload and loads the kernel proper where it was linked: nothing needs to be relocated there, so that its
/// own slow unpacking is left out. Nothing where the payload is packed in an unknown way.
Result<std::optional<Loaded>> load_unpacked(Target& target, const Header& header) {
  const auto how = compression_of(header.payload);
  if (!how || header.payload.size() < 4) return std::nullopt;
  const auto unpacked =
      STRATA_TRY(with_context(decompress(*how, header.payload, target.low_memory_end), "unpacking the kernel"));
  if (!is_elf(unpacked)) return std::nullopt;
  const ElfFile elf = STRATA_TRY(parse_elf(unpacked));
  const bool aligned = std::ranges::all_of(elf.segments, [](const ElfSegment& s) { return s.physical >= high_memory; });
  if (!aligned || (elf.is_64 && !header.has_64_bit_entry)) return std::nullopt;
  const uint64_t end = STRATA_TRY(place_segments(target, elf));
  return Loaded{elf.entry, elf.is_64, std::max(end, header.preferred + header.memory_needed)};
}

/// The kernel as it is in the file, which unpacks itself.
Result<Loaded> load_packed(Target& target, const Header& header) {
  const uint64_t base = header.relocatable ? header.preferred : high_memory;
  STRATA_TRY(place(target, base, header.protected_mode, header.protected_mode.size(), "the kernel"));
  return Loaded{header.has_64_bit_entry ? base + entry_64_offset : base, header.has_64_bit_entry,
                base + header.memory_needed};
}

void write_zero_page(Target& target, std::span<const std::byte> kernel, uint64_t initrd, uint64_t initrd_size) {
  std::array<std::byte, zero_page_size> page = {};
  const size_t header_end =
      std::min<size_t>({header_magic + std::to_integer<size_t>(kernel[jump_length]), kernel.size(), e820_table});
  std::copy(kernel.begin() + setup_sects,
            kernel.begin() + static_cast<ptrdiff_t>(std::max<size_t>(header_end, setup_sects)),
            page.begin() + setup_sects);
  page[type_of_loader] = std::byte{other_loader};
  store_le<uint32_t>(&page[cmd_line_ptr], command_line_address);
  store_le<uint32_t>(&page[ramdisk_image], static_cast<uint32_t>(initrd));
  store_le<uint32_t>(&page[ramdisk_size], static_cast<uint32_t>(initrd_size));
  store_le<uint64_t>(&page[acpi_rsdp], target.rsdp);
  page[e820_entries] = static_cast<std::byte>(target.memory_map.size());
  std::byte* entry = &page[e820_table];
  for (const MemoryRange& range : target.memory_map) {
    store_le<uint64_t>(entry, range.base);
    store_le<uint64_t>(entry + 8, range.size);
    store_le<uint32_t>(entry + 16, range.type);
    entry += e820_entry_size;
  }
  target.memory.write(info_address, page);
}

}  // namespace

bool is_bzimage(std::span<const std::byte> kernel) {
  return kernel.size() > header_end_2_10 && field<uint16_t>(kernel, boot_flag) == 0xaa55 &&
         field<uint32_t>(kernel, header_magic) == hdrs;
}

Result<iface::X86Registers> load_bzimage(Target& target, const Source& source) {
  const Header header = STRATA_TRY(parse(source.kernel));
  const uint64_t end = header.preferred + header.memory_needed;
  if (end < header.preferred || end > target.low_memory_end) {
    return fail("the kernel needs {} MiB of memory, the machine has {} MiB: give it more",
                end < header.preferred ? ~uint64_t{0} >> 20 : (end + 0xfffff) >> 20, target.low_memory_end >> 20);
  }
  auto unpacked = STRATA_TRY(load_unpacked(target, header));
  if (!unpacked) log::info("the kernel's payload is packed in a way that is not known here: it unpacks itself");
  const Loaded loaded = unpacked ? *unpacked : STRATA_TRY(load_packed(target, header));
  const uint64_t initrd = STRATA_TRY(place_initrd(target, source.initrd, loaded.end, header.initrd_max));
  STRATA_TRY(place_command_line(target, source.command_line, header.command_line_max));
  write_zero_page(target, source.kernel, initrd, source.initrd.size());

  iface::X86Registers registers =
      loaded.long_mode ? enter_long_mode(target, loaded.entry) : enter_protected_mode(target, loaded.entry);
  constexpr unsigned rsi = 6;
  registers.gpr[rsi] = info_address;
  return registers;
}

}  // namespace strata::machine::pc::boot
