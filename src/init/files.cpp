// Reading, writing and listing without a library.
#include "init/files.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "init/message.h"
#include "init/system_call.h"

namespace strata::init {
namespace {

constexpr std::size_t most_names = 256;

/// linux_dirent64 of getdents64(2).
struct DirectoryEntry {
  std::uint64_t inode;
  std::int64_t offset;
  std::uint16_t size;
  std::uint8_t type;
  char name[1];
};

/// All names of a folder, in the order in which the kernel gives them.
std::size_t read_names(int fd, std::span<const char*> names) {
  std::size_t count = 0;
  for (;;) {
    constexpr std::size_t room = 16 * 1024;
    char* const entries = static_cast<char*>(allocate(room));
    const long size = entries == nullptr ? 0 : sys::list(fd, entries, room);
    if (size <= 0) return count;
    for (long at = 0; at < size;) {
      const auto* entry = reinterpret_cast<const DirectoryEntry*>(entries + at);  // the kernel aligns them to 8
      if (entry->name[0] != '.' && count < names.size()) names[count++] = entry->name;
      at += entry->size;
    }
  }
}

void sort(std::span<const char*> names) {
  for (std::size_t i = 1; i < names.size(); i++) {
    for (std::size_t k = i; k > 0 && std::string_view(names[k]) < std::string_view(names[k - 1]); k--) {
      const char* const name = names[k];
      names[k] = names[k - 1];
      names[k - 1] = name;
    }
  }
}

}  // namespace

void* allocate(std::size_t size) {
  const long at = sys::map(size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  return at < 0 && at > -4096 ? nullptr : reinterpret_cast<void*>(at);
}

std::span<char> read_file(const char* path) {
  const int fd = static_cast<int>(sys::open(path, O_RDONLY | O_CLOEXEC));
  if (fd < 0) return {};
  std::span<char> content;
  // Files of /proc and /sys do not know their size, so room grows with what comes.
  for (std::size_t room = 16 * 1024;; room *= 4) {
    char* const to = static_cast<char*>(allocate(room));
    if (to == nullptr) break;
    for (std::size_t i = 0; i < content.size(); i++) to[i] = content[i];
    std::size_t size = content.size();
    long count = 0;
    while (size < room && (count = sys::read(fd, to + size, room - size)) > 0) size += static_cast<std::size_t>(count);
    content = {to, size};
    if (size < room) break;
  }
  sys::close(fd);
  return content;
}

void write_system_file(const char* path, std::string_view content) {
  sys::make_directory("/etc", 0755);
  // An image may have a link here, to what only a running system would make.
  sys::remove(path);
  const long fd = sys::open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return complain("writing", path, fd);
  sys::write(static_cast<int>(fd), content.data(), content.size());
  sys::close(static_cast<int>(fd));
}

void for_each_name(const char* folder, void (*call)(const char* name)) {
  const int fd = static_cast<int>(sys::open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd < 0) return;
  const char* names[most_names];
  const std::size_t count = read_names(fd, names);
  sys::close(fd);
  sort({names, count});
  for (std::size_t i = 0; i < count; i++) call(names[i]);
}

}  // namespace strata::init
