// ELF, after the System V ABI: every offset and length is held against the file.
#include "machine/pc/boot/elf.h"

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "base/bits.h"

namespace strata::machine::pc::boot {
namespace {

constexpr uint32_t xen_phys32_entry = 18;

auto bad(std::string_view what) { return fail(ErrorCode::bad_data, "the ELF file is damaged: {}", what); }

bool inside(uint64_t offset, uint64_t size, uint64_t total) { return offset <= total && size <= total - offset; }

/// Looks for Xen's note; a damaged note section is no reason to refuse the rest.
std::optional<uint32_t> find_pvh_entry(std::span<const std::byte> notes) {
  constexpr size_t note_header = 12;
  using namespace std::string_view_literals;
  constexpr std::string_view owner = "Xen\0"sv;
  while (notes.size() >= note_header) {
    const uint64_t name_size = align_up(uint64_t{load_le<uint32_t>(&notes[0])}, 4);
    const uint64_t value_size = align_up(uint64_t{load_le<uint32_t>(&notes[4])}, 4);
    const auto type = load_le<uint32_t>(&notes[8]);
    if (!inside(note_header + name_size, value_size, notes.size())) return std::nullopt;
    const std::byte* name = notes.data() + note_header;
    if (type == xen_phys32_entry && name_size == owner.size() && value_size >= 4 &&
        std::memcmp(name, owner.data(), owner.size()) == 0) {
      return load_le<uint32_t>(name + name_size);
    }
    notes = notes.subspan(note_header + name_size + value_size);
  }
  return std::nullopt;
}

template <class Header, class ProgramHeader>
Result<ElfFile> parse(std::span<const std::byte> file) {
  if (file.size() < sizeof(Header)) return bad("it ends inside its header");
  Header header;
  std::memcpy(&header, file.data(), sizeof header);
  if (header.e_phentsize != sizeof(ProgramHeader)) return bad("program headers of an unknown size");
  if (!inside(header.e_phoff, uint64_t{header.e_phnum} * sizeof(ProgramHeader), file.size())) {
    return bad("program headers beyond its end");
  }
  ElfFile elf;
  elf.is_64 = sizeof(Header) == sizeof(Elf64_Ehdr);
  elf.entry = header.e_entry;
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    ProgramHeader segment;
    std::memcpy(&segment, file.data() + header.e_phoff + i * sizeof segment, sizeof segment);
    if (segment.p_type != PT_LOAD && segment.p_type != PT_NOTE) continue;
    if (!inside(segment.p_offset, segment.p_filesz, file.size())) return bad("a segment beyond its end");
    const auto contents = file.subspan(segment.p_offset, segment.p_filesz);
    if (segment.p_type == PT_NOTE) {
      if (!elf.pvh_entry) elf.pvh_entry = find_pvh_entry(contents);
    } else if (segment.p_memsz != 0) {
      if (segment.p_memsz < segment.p_filesz) return bad("a segment larger in the file than in memory");
      elf.segments.push_back({contents, segment.p_paddr, segment.p_memsz});
    }
  }
  if (elf.segments.empty()) return bad("it has no segment to load");
  return elf;
}

}  // namespace

bool is_elf(std::span<const std::byte> file) {
  return file.size() >= SELFMAG && std::memcmp(file.data(), ELFMAG, SELFMAG) == 0;
}

Result<ElfFile> parse_elf(std::span<const std::byte> file) {
  if (!is_elf(file) || file.size() < sizeof(Elf32_Ehdr)) return bad("it ends inside its header");
  const auto elf_class = std::to_integer<int>(file[EI_CLASS]);
  const auto machine = load_le<uint16_t>(&file[offsetof(Elf32_Ehdr, e_machine)]);
  if (std::to_integer<int>(file[EI_DATA]) != ELFDATA2LSB) return bad("it is not little-endian");
  if (machine == EM_386 && elf_class == ELFCLASS32) return parse<Elf32_Ehdr, Elf32_Phdr>(file);
  if (machine == EM_X86_64 && elf_class == ELFCLASS64) return parse<Elf64_Ehdr, Elf64_Phdr>(file);
  return fail(ErrorCode::bad_data, "the ELF file is for machine {} (class {}), a PC runs 3 and 62", machine, elf_class);
}

}  // namespace strata::machine::pc::boot
