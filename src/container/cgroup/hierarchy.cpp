// Reads which cgroup hierarchies there are from /proc.
#include "container/cgroup/hierarchy.h"

#include "container/files.h"

#include <algorithm>

namespace strata::container {
namespace {

std::vector<std::string_view> split(std::string_view text, char by) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find(by);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

// mountinfo writes space, tab, newline and backslash as three octal digits.
std::string unescape(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      plain += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

// Flags of the superblock that are no controllers.
bool is_controller(std::string_view option) {
  constexpr std::string_view others[] = {"rw",          "ro", "xattr", "clone_children", "noprefix", "cpuset_v2_mode",
                                         "favordynmods"};
  return std::ranges::find(others, option) == std::end(others) && !option.starts_with("release_agent=");
}

// 36 35 98:0 ROOT MOUNT_POINT options [optional fields] - TYPE source super-options
std::vector<Hierarchy> mounted(std::string_view mountinfo) {
  std::vector<Hierarchy> all;
  for (const auto line : split(mountinfo, '\n')) {
    const auto fields = split(line, ' ');
    const auto dash = std::ranges::find(fields, "-");
    if (fields.size() < 10 || fields.end() - dash < 4) continue;
    const auto type = dash[1];
    if (type != "cgroup" && type != "cgroup2") continue;
    Hierarchy one{.v2 = type == "cgroup2", .mount_point = unescape(fields[4]), .root = unescape(fields[3])};
    if (!one.v2)
      for (const auto option : split(dash[3], ','))
        if (is_controller(option)) one.controllers.emplace_back(option);
    const bool again = std::ranges::any_of(
        all, [&](const Hierarchy& other) { return other.v2 == one.v2 && other.controllers == one.controllers; });
    if (!again) all.push_back(std::move(one));
  }
  return all;
}

}  // namespace

bool Hierarchy::has(std::string_view controller) const {
  return std::ranges::find(controllers, controller) != controllers.end();
}

std::string Hierarchy::folder_of(const std::string& path) const {
  std::string below = path;
  if (root != "/" && below.starts_with(root)) below.erase(0, root.size());
  return below == "/" ? mount_point : mount_point + below;
}

std::vector<Hierarchy> find_hierarchies(std::string_view mountinfo, std::string_view own_cgroups) {
  auto all = mounted(mountinfo);
  for (const auto line : split(own_cgroups, '\n')) {  // number:controllers:path, of v2 without controllers
    const auto parts = split(line, ':');
    if (parts.size() < 3) continue;
    const auto path = line.substr(parts[0].size() + parts[1].size() + 2);
    for (auto& one : all) {
      const auto names = split(parts[1], ',');
      const bool same =
          parts[1].empty() ? one.v2 : !one.v2 && std::ranges::all_of(names, [&](auto name) { return one.has(name); });
      if (same) one.own_path = path;
    }
  }
  return all;
}

Result<std::vector<Hierarchy>> find_hierarchies() {
  auto all =
      find_hierarchies(STRATA_TRY(read_file("/proc/self/mountinfo")), STRATA_TRY(read_file("/proc/self/cgroup")));
  for (auto& one : all) {
    if (!one.v2) continue;
    if (const auto controllers = read_file(one.mount_point + "/cgroup.controllers"))
      for (const auto name : split(*controllers, ' '))
        if (const auto end = name.find_first_of("\n"); !name.substr(0, end).empty())
          one.controllers.emplace_back(name.substr(0, end));
  }
  return all;
}

}  // namespace strata::container
