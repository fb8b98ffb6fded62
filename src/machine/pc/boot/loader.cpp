// Which format a kernel has.
#include "machine/pc/boot/loader.h"

#include "machine/pc/boot/elf.h"

namespace strata::machine::pc::boot {

Result<iface::X86Registers> load(Target& target, const Source& source) {
  if (source.kernel.empty()) return fail(ErrorCode::bad_data, "the kernel is an empty file");
  if (is_bzimage(source.kernel)) return load_bzimage(target, source);
  // An ELF kernel with both headers: multiboot is what its maker wrote by hand.
  if (is_multiboot(source.kernel)) return load_multiboot(target, source);
  if (is_elf(source.kernel)) return load_pvh(target, source);
  return fail(ErrorCode::bad_data, "the kernel is neither a Linux bzImage nor an ELF file nor multiboot");
}

}  // namespace strata::machine::pc::boot
