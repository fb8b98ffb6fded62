// Finds modules by their files' names, and what they need in their own words.
#include "image/modules.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <memory>
#include <set>

namespace strata::image {
namespace fs = std::filesystem;
namespace {

struct ReadFree {
  void operator()(archive* a) const { archive_read_free(a); }
};

// "kernel/fs/ext4/ext4.ko.xz" is module ext4.
std::string module_name(const fs::path& path) {
  std::string name = path.filename().string();
  name.resize(std::min(name.find(".ko"), name.size()));
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

// Section .modinfo has texts that end with a zero; one is "depends=jbd2,crc16".
std::vector<std::string> needs_of(std::string_view content) {
  constexpr std::string_view key("\0depends=", 9);
  const std::size_t found = content.find(key);
  if (found == std::string_view::npos) return {};
  content.remove_prefix(found + key.size());
  content = content.substr(0, content.find('\0'));
  std::vector<std::string> names;
  while (!content.empty()) {
    const std::size_t end = std::min(content.find(','), content.size());
    names.emplace_back(content.substr(0, end));
    content.remove_prefix(std::min(end + 1, content.size()));
  }
  return names;
}

class ModuleTree {
 public:
  explicit ModuleTree(const fs::path& directory) {
    std::error_code error;
    for (fs::recursive_directory_iterator entry(directory / "kernel", error), end; !error && entry != end;
         entry.increment(error)) {
      if (entry->path().filename().string().find(".ko") != std::string::npos)
        path_of_[module_name(entry->path())] = entry->path();
    }
    std::ifstream list(directory / "modules.builtin");
    for (std::string line; std::getline(list, line);) built_in_.insert(module_name(line));
  }

  Result<void> add(std::string_view wanted) {
    const bool may_be_missing = wanted.ends_with('?');
    if (may_be_missing) wanted.remove_suffix(1);
    const std::string name = module_name(wanted);
    if (built_in_.contains(name) || !seen_.insert(name).second) return {};
    const auto found = path_of_.find(name);
    if (found == path_of_.end() && may_be_missing) return {};
    if (found == path_of_.end()) return fail(ErrorCode::not_found, "the guest's kernel has no {}", name);
    std::string content = STRATA_TRY(read_unpacked(found->second));
    for (const std::string& needed : needs_of(content)) STRATA_TRY(add(needed));
    order_.push_back({name, std::move(content)});
    return {};
  }

  std::vector<Module> take() { return std::move(order_); }

 private:
  std::map<std::string, fs::path> path_of_;
  std::set<std::string> built_in_;
  std::set<std::string> seen_;
  std::vector<Module> order_;
};

}  // namespace

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

Result<std::vector<Module>> modules_to_load(const fs::path& directory, const std::vector<std::string>& names) {
  if (!fs::is_directory(directory)) return fail(ErrorCode::not_found, "there are no modules in {}", directory.string());
  ModuleTree tree(directory);
  for (const std::string& name : names) STRATA_TRY(tree.add(name));
  return tree.take();
}

}  // namespace strata::image
