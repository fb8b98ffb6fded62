// For tests: a store and a PATH of our own, and the smallest tree that counts as a guest's root file system.
#pragma once

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace strata::image {

inline void write_file(const std::filesystem::path& path, std::string_view content, mode_t mode = 0644) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path) << content;
  ::chmod(path.c_str(), mode);
}

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// A folder that goes away with the test.
class TestFolder {
 public:
  TestFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "strata-test-XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  ~TestFolder() { std::filesystem::remove_all(path); }

  std::filesystem::path path;
};

// Sets an environment variable as long as it lives.
class TestVariable {
 public:
  TestVariable(const char* name, const std::string& value) : name_(name) {
    const char* old = std::getenv(name);
    had_ = old != nullptr;
    if (had_) old_ = old;
    ::setenv(name, value.c_str(), 1);
  }
  TestVariable(const TestVariable&) = delete;
  TestVariable& operator=(const TestVariable&) = delete;
  ~TestVariable() { had_ ? ::setenv(name_, old_.c_str(), 1) : ::unsetenv(name_); }

 private:
  const char* name_;
  bool had_ = false;
  std::string old_;
};

inline constexpr const char* test_release = "6.1.0-test";

// As a module says what it needs, in its section .modinfo.
inline std::string module_text(const std::string& name, const std::string& needs) {
  return "ELF of " + name + std::string(1, '\0') + "depends=" + needs + std::string(1, '\0');
}

// A kernel with virtio built in and ext4 as modules, and klibc.
inline void make_test_tree(const std::filesystem::path& tree) {
  const std::filesystem::path modules = tree / "usr/lib/modules" / test_release;
  write_file(modules / "modules.builtin", "kernel/drivers/virtio/virtio_pci.ko\n");
  write_file(modules / "kernel/fs/ext4/ext4.ko", module_text("ext4", "jbd2,crc16"));
  write_file(modules / "kernel/fs/jbd2/jbd2.ko", module_text("jbd2", "crc16"));
  write_file(modules / "kernel/lib/crc16.ko", module_text("crc16", ""));
  write_file(modules / "kernel/drivers/block/virtio-blk.ko", module_text("virtio_blk", ""));
  write_file(modules / "kernel/drivers/net/virtio_net.ko", module_text("virtio_net", ""));
  write_file(tree / "usr/lib/klibc-test.so", "klibc");
  for (const char* program : {"sh", "mount", "umount", "insmod", "sleep", "run-init"})
    write_file(tree / "usr/lib/klibc/bin" / program, program, 0755);
  write_file(tree / "boot/vmlinuz-6.1.0-test", "kernel");
  write_file(tree / "etc/hostname", "strata\n");
}

}  // namespace strata::image
