// The words of mount options, and what each asks for.
#include "container/rootfs/mount_options.h"

#include <sys/mount.h>

#include <algorithm>
#include <string_view>

#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000
#endif

namespace strata::container {
namespace {

struct AttributeWord {
  std::string_view word;
  std::uint64_t set;
  std::uint64_t clear;
};

// With "r" before it, each of these holds for the mounts below too. Access times are one field of several bits, which
// has to be cleared whenever it is set.
constexpr AttributeWord attribute_words[] = {
    {"ro", MOUNT_ATTR_RDONLY, 0},
    {"rw", 0, MOUNT_ATTR_RDONLY},
    {"nosuid", MOUNT_ATTR_NOSUID, 0},
    {"suid", 0, MOUNT_ATTR_NOSUID},
    {"nodev", MOUNT_ATTR_NODEV, 0},
    {"dev", 0, MOUNT_ATTR_NODEV},
    {"noexec", MOUNT_ATTR_NOEXEC, 0},
    {"exec", 0, MOUNT_ATTR_NOEXEC},
    {"nodiratime", MOUNT_ATTR_NODIRATIME, 0},
    {"diratime", 0, MOUNT_ATTR_NODIRATIME},
    {"noatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME},
    {"atime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME},
    {"relatime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME},
    {"norelatime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME},
    {"strictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME},
    {"nostrictatime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME},
    {"nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0},
    {"symfollow", 0, MOUNT_ATTR_NOSYMFOLLOW},
};

struct PropagationWord {
  std::string_view word;
  unsigned long flags;
};

constexpr PropagationWord propagation_words[] = {
    {"shared", MS_SHARED},         {"rshared", MS_SHARED | MS_REC},
    {"slave", MS_SLAVE},           {"rslave", MS_SLAVE | MS_REC},
    {"private", MS_PRIVATE},       {"rprivate", MS_PRIVATE | MS_REC},
    {"unbindable", MS_UNBINDABLE}, {"runbindable", MS_UNBINDABLE | MS_REC},
};

struct FlagWord {
  std::string_view word;
  bool MountOptions::*flag;
};

constexpr FlagWord flag_words[] = {
    {"bind", &MountOptions::bind},       {"rbind", &MountOptions::bind_recursive},
    {"remount", &MountOptions::remount}, {"tmpcopyup", &MountOptions::copy_up},
    {"idmap", &MountOptions::id_map},    {"ridmap", &MountOptions::id_map_recursive},
};

// Words of mount(8) that ask for what is so anyway.
constexpr std::string_view empty_words[] = {"defaults", "async", "loud",       "silent",  "nolazytime",
                                            "nomand",   "mand",  "noiversion", "iversion"};

// Settings of every file system that take no value.
constexpr std::string_view superblock_words[] = {"sync", "dirsync", "lazytime"};

void apply(MountAttributes& attributes, const AttributeWord& word) {
  // A later word takes back an earlier one.
  attributes.set = (attributes.set & ~(word.clear | word.set)) | word.set;
  attributes.clear = (attributes.clear & ~word.set) | word.clear;
}

// Puts the word into the options if it is one of those known here.
bool take(MountOptions& options, std::string_view word) {
  if (std::ranges::find(empty_words, word) != std::end(empty_words)) return true;
  for (const auto& row : flag_words)
    if (row.word == word) return options.*row.flag = true;
  for (const auto& row : propagation_words)
    if (row.word == word) return options.propagations.push_back(row.flags), true;
  for (const auto& row : attribute_words)
    if (row.word == word) return apply(options.own, row), true;
  if (word.starts_with('r'))
    for (const auto& row : attribute_words)
      if (row.word == word.substr(1)) return apply(options.recursive, row), true;
  return false;
}

}  // namespace

bool MountOptions::read_only() const { return (own.set | recursive.set) & MOUNT_ATTR_RDONLY; }

MountOptions sort_mount_options(const std::vector<std::string>& options) {
  MountOptions sorted;
  for (const auto& option : options) {
    if (take(sorted, option)) continue;
    const std::size_t equals = option.find('=');
    if (equals == std::string::npos) sorted.settings.emplace_back(option, "");
    else sorted.settings.emplace_back(option.substr(0, equals), option.substr(equals + 1));
  }
  return sorted;
}

std::vector<std::string> known_mount_options() {
  std::vector<std::string> all;
  for (const auto& row : flag_words) all.emplace_back(row.word);
  for (const auto& row : propagation_words) all.emplace_back(row.word);
  for (const auto& row : attribute_words) {
    all.emplace_back(row.word);
    all.push_back("r" + std::string(row.word));
  }
  for (const auto word : empty_words) all.emplace_back(word);
  for (const auto word : superblock_words) all.emplace_back(word);
  std::ranges::sort(all);
  // "ratime" is an option and "atime" with its r; "relatime" is not "elatime" with one.
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

}  // namespace strata::container
