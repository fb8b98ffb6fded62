// Chooses kernel modules and writes them with klibc's small programs into a cpio archive.
#include "image/initrd.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <sstream>

namespace strata::image {
namespace fs = std::filesystem;
namespace {

// What a guest must have to reach its root file system, as modules or built in.
const std::vector<std::string> root_disk_modules{"virtio_pci", "virtio_blk", "ext4"};
// ext4 asks for it by name when it mounts, so no dependency says it; newer kernels have it built in under another name.
constexpr const char* checksum_module = "crc32c_generic";

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

struct ReadFree {
  void operator()(archive* a) const { archive_read_free(a); }
};
struct WriteFree {
  void operator()(archive* a) const { archive_write_free(a); }
};
struct EntryFree {
  void operator()(archive_entry* e) const { archive_entry_free(e); }
};

// A whole file, unpacked if it is compressed (modules are, by xz or zstd).
Result<std::string> read_unpacked(const fs::path& path) {
  const std::unique_ptr<archive, ReadFree> reader(archive_read_new());
  archive_read_support_filter_all(reader.get());
  archive_read_support_format_raw(reader.get());
  archive_entry* entry = nullptr;
  if (archive_read_open_filename(reader.get(), path.c_str(), 1 << 16) != ARCHIVE_OK ||
      archive_read_next_header(reader.get(), &entry) != ARCHIVE_OK)
    return fail(ErrorCode::bad_data, "reading {}: {}", path.string(), archive_error_string(reader.get()));
  std::string content;
  std::array<char, 1 << 16> buffer;
  la_ssize_t count = 0;
  while ((count = archive_read_data(reader.get(), buffer.data(), buffer.size())) > 0)
    content.append(buffer.data(), static_cast<std::size_t>(count));
  if (count < 0)
    return fail(ErrorCode::bad_data, "unpacking {}: {}", path.string(), archive_error_string(reader.get()));
  return content;
}

class CpioWriter {
 public:
  explicit CpioWriter(const fs::path& path) : path_(path), writer_(archive_write_new()) {
    archive_write_set_format_cpio_newc(writer_.get());
    good_ = archive_write_open_filename(writer_.get(), path.c_str()) == ARCHIVE_OK;
  }
  void add_directory(const std::string& name) { add(name, AE_IFDIR, {}); }
  void add_link(const std::string& name, const char* to) { add(name, AE_IFLNK, {}, to); }
  void add_file(const std::string& name, std::string_view content) { add(name, AE_IFREG, content); }

  Result<void> close() {
    good_ = good_ && archive_write_close(writer_.get()) == ARCHIVE_OK;
    if (good_) return {};
    const int reason = archive_errno(writer_.get());
    return fail(reason == ENOSPC ? ErrorCode::no_space : ErrorCode::io, "writing {}: {}", path_.string(),
                archive_error_string(writer_.get()));
  }

 private:
  void add(const std::string& name, unsigned type, std::string_view content, const char* link = nullptr) {
    if (!good_) return;
    const std::unique_ptr<archive_entry, EntryFree> entry(archive_entry_new());
    archive_entry_set_pathname(entry.get(), name.c_str());
    archive_entry_set_filetype(entry.get(), type);
    archive_entry_set_perm(entry.get(), 0755);
    if (link != nullptr) archive_entry_set_symlink(entry.get(), link);
    archive_entry_set_size(entry.get(), static_cast<la_int64_t>(content.size()));
    good_ = archive_write_header(writer_.get(), entry.get()) == ARCHIVE_OK;
    if (good_ && !content.empty()) {
      const la_ssize_t written = archive_write_data(writer_.get(), content.data(), content.size());
      good_ = written == static_cast<la_ssize_t>(content.size());
    }
  }

  fs::path path_;
  std::unique_ptr<archive, WriteFree> writer_;
  bool good_ = false;
};

// "kernel/fs/ext4/ext4.ko.xz" is module ext4; in names, the kernel takes - and _ for the same.
std::string module_name(const fs::path& path) {
  std::string name = path.filename().string();
  name.resize(std::min(name.find(".ko"), name.size()));
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

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

}  // namespace

Result<std::vector<std::string>> modules_to_load(const fs::path& modules, const std::vector<std::string>& names) {
  // modules.dep: "kernel/a.ko.xz: kernel/b.ko.xz kernel/c.ko.xz", one line a module.
  std::map<std::string, std::string> path_of;
  std::map<std::string, std::vector<std::string>> needs;
  std::ifstream dependencies(modules / "modules.dep");
  if (!dependencies) return fail(ErrorCode::not_found, "the guest has no {}", (modules / "modules.dep").string());
  for (std::string line; std::getline(dependencies, line);) {
    std::istringstream words(line.substr(std::min(line.find(':') + 1, line.size())));
    const std::string path = line.substr(0, line.find(':'));
    path_of[module_name(path)] = path;
    for (std::string word; words >> word;) needs[path].push_back(word);
  }
  std::set<std::string> built_in;
  std::ifstream list(modules / "modules.builtin");
  for (std::string line; std::getline(list, line);) built_in.insert(module_name(line));

  std::vector<std::string> order;
  std::set<std::string> seen;
  const auto load = [&](const auto& self, const std::string& path) -> void {
    if (!seen.insert(path).second) return;
    for (const std::string& needed : needs[path]) self(self, needed);
    order.push_back(path);
  };
  for (const std::string& name : names) {
    if (const auto found = path_of.find(name); found != path_of.end()) load(load, found->second);
    else if (!built_in.contains(name) && name != checksum_module)
      return fail(ErrorCode::not_found, "the guest's kernel has no {}", name);
  }
  return order;
}

Result<void> make_initrd(const fs::path& tree, const std::string& release, const fs::path& initrd) {
  const fs::path modules = tree / "usr/lib/modules" / release;
  std::vector<std::string> names{checksum_module};
  names.insert(names.end(), root_disk_modules.begin(), root_disk_modules.end());
  const std::vector<std::string> to_load = STRATA_TRY(modules_to_load(modules, names));
  const fs::path library = STRATA_TRY(klibc_library(tree));

  CpioWriter writer(initrd);
  for (const char* folder : {"bin", "dev", "modules", "proc", "root", "usr", "usr/lib"}) writer.add_directory(folder);
  writer.add_link("lib", "usr/lib");  // klibc names its loader by either path, which one is the release's choice
  writer.add_file("init", init_script);
  writer.add_file("usr/lib/" + library.filename().string(), STRATA_TRY(read_unpacked(library)));
  for (const char* program : programs)
    writer.add_file(fmt::format("bin/{}", program), STRATA_TRY(read_unpacked(tree / "usr/lib/klibc/bin" / program)));
  int number = 100;  // three digits, so that the script's glob keeps the order
  for (const std::string& path : to_load) {
    const std::string content = STRATA_TRY(read_unpacked(modules / path));
    writer.add_file(fmt::format("modules/{}-{}.ko", number++, module_name(path)), content);
  }
  return writer.close();
}

}  // namespace strata::image
