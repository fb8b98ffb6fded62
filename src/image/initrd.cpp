// Modules and klibc's small programs in an archive.
#include "image/initrd.h"

#include "image/modules.h"

#include <array>
#include <cerrno>
#include <fstream>

namespace strata::image {
namespace fs = std::filesystem;
namespace {

// What a guest must have to reach its root file system and its network, as modules or built in. ext4 asks for the
// checksum by name when it mounts, so no dependency says it; newer kernels have it built in under another name.
const std::vector<std::string> machine_modules{"crc32c_generic?", "virtio_pci",     "virtio_blk", "ext4",
                                               "virtio_net",      "virtio_console?"};

constexpr std::array programs{"sh", "mount", "umount", "insmod", "sleep", "run-init"};

// The kernel's first program. Not compressed and with no udev: a slow machine is through it in a moment.
constexpr const char* init_script = R"sh(#!/bin/sh
# Mounts the root file system (root=/dev/..., else the first virtio disk) and starts the system on it.
export PATH=/bin
mount -t devtmpfs dev /dev
mount -t proc proc /proc
read -r line </proc/cmdline
root=/dev/vda
init=/sbin/init
mode=ro
for word in $line; do
  case $word in
    root=/dev/*) root=${word#root=} ;;
    init=*) init=${word#init=} ;;
    rw|ro) mode=$word ;;
  esac
done
for module in /modules/*.ko; do
  insmod "$module"
done
tries=0
while [ ! -b "$root" ] && [ $tries -lt 100 ]; do
  sleep 0.1
  tries=$((tries + 1))
done
if ! mount -t ext4 -o "$mode" "$root" /root; then
  echo "initrd: cannot mount $root; is it the guest's disk?"
  exit 1
fi
umount /proc
mount -o move /dev /root/dev
exec run-init -c /dev/console /root "$init" "$@"
)sh";

// klibc's programs run on its shared library, which their loader is too.
Result<fs::path> klibc_library(const fs::path& tree) {
  std::error_code ignored;
  for (const char* folder : {"usr/lib", "lib"}) {
    for (const fs::directory_entry& entry : fs::directory_iterator(tree / folder, ignored)) {
      const std::string name = entry.path().filename();
      if (name.starts_with("klibc-") && name.ends_with(".so")) return entry.path();
    }
  }
  return fail(ErrorCode::not_found, "the guest has no klibc");
}

Result<void> write_archive(const fs::path& path, std::string_view content) {
  errno = 0;
  std::ofstream file(path, std::ios::binary);
  file << content;
  file.close();
  if (!file) return fail_errno("writing {}", path.string());
  return {};
}

}  // namespace

Result<void> add_modules(CpioArchive& initrd, const fs::path& modules) {
  initrd.add_directory("modules");
  int number = 100;  // three digits, so that the order of names is that of loading
  for (const Module& module : STRATA_TRY(modules_to_load(modules, machine_modules)))
    initrd.add_program(fmt::format("modules/{}-{}.ko", number++, module.name), module.content);
  return {};
}

Result<void> make_initrd(const fs::path& tree, const std::string& release, const fs::path& initrd) {
  const fs::path library = STRATA_TRY(klibc_library(tree));
  CpioArchive archive;
  for (const char* folder : {"bin", "dev", "proc", "root", "usr", "usr/lib"}) archive.add_directory(folder);
  archive.add_link("lib", "usr/lib");  // klibc names its loader by either path, which one is the release's choice
  archive.add_program("init", init_script);
  archive.add_program("usr/lib/" + library.filename().string(), STRATA_TRY(read_unpacked(library)));
  for (const char* program : programs)
    archive.add_program(fmt::format("bin/{}", program),
                        STRATA_TRY(read_unpacked(tree / "usr/lib/klibc/bin" / program)));
  STRATA_TRY(add_modules(archive, tree / "usr/lib/modules" / release));
  return write_archive(initrd, archive.finish());
}

}  // namespace strata::image
