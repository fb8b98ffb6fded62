// ELF kernels with Xen's PVH entry (xen/include/public/arch-x86/hvm/start_info.h): what qemu and Firecracker boot too.
#include "base/bits.h"
#include "machine/pc/boot/place.h"

namespace strata::machine::pc::boot {
namespace {

constexpr uint32_t start_info_magic = 0x336ec578;

struct StartInfo {
  uint32_t magic;
  uint32_t version;
  uint32_t flags;
  uint32_t module_count;
  uint64_t modules;
  uint64_t command_line;
  uint64_t rsdp;
  uint64_t memory_map;
  uint32_t memory_map_entries;
  uint32_t reserved;
};

struct Module {
  uint64_t address;
  uint64_t size;
  uint64_t command_line;
  uint64_t reserved;
};

struct MapEntry {
  uint64_t address;
  uint64_t size;
  uint32_t type;
  uint32_t reserved;
};

constexpr uint64_t module_address = info_more_address;
constexpr uint64_t map_address = info_more_address + sizeof(Module);

}  // namespace

Result<iface::X86Registers> load_pvh(Target& target, const Source& source) {
  const ElfFile elf = STRATA_TRY(parse_elf(source.kernel));
  if (!elf.pvh_entry) {
    return fail(ErrorCode::unsupported,
                "the kernel is an ELF file without PVH entry (built without CONFIG_PVH?): give its bzImage instead");
  }
  const uint64_t end = STRATA_TRY(place_segments(target, elf));
  const uint64_t initrd = STRATA_TRY(place_initrd(target, source.initrd, end, four_gib));
  STRATA_TRY(place_command_line(target, source.command_line, command_line_limit - 1));

  if (initrd != 0) {
    target.memory.write_as(module_address, Module{initrd, source.initrd.size(), 0, 0});
  }
  for (size_t i = 0; i < target.memory_map.size(); ++i) {
    const MemoryRange& range = target.memory_map[i];
    target.memory.write_as(map_address + i * sizeof(MapEntry), MapEntry{range.base, range.size, range.type, 0});
  }
  target.memory.write_as(info_address, StartInfo{.magic = start_info_magic,
                                                 .version = 1,
                                                 .flags = 0,
                                                 .module_count = initrd != 0 ? 1u : 0u,
                                                 .modules = initrd != 0 ? module_address : 0,
                                                 .command_line = command_line_address,
                                                 .rsdp = target.rsdp,
                                                 .memory_map = map_address,
                                                 .memory_map_entries = static_cast<uint32_t>(target.memory_map.size()),
                                                 .reserved = 0});
  iface::X86Registers registers = enter_protected_mode(target, *elf.pvh_entry);
  constexpr unsigned rbx = 3;
  registers.gpr[rbx] = info_address;
  return registers;
}

}  // namespace strata::machine::pc::boot
