// Reads /etc/subuid and /etc/subgid.
#include "image/id_maps.h"

#include <pwd.h>
#include <unistd.h>

#include <charconv>
#include <fstream>

namespace strata::image {
namespace {

constexpr std::uint32_t most_ids = 65536;  // as many as containers use; the kernel takes ranges of any size

bool read_number(std::string_view text, std::uint32_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

// The first range of the user in that file; subuid(5): NAME-OR-UID:START:COUNT. Count 0 if there is none.
IdRange first_range(const char* file, const std::string& user_name, const std::string& user_id) {
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string_view owner = std::string_view(line).substr(0, first);
    if (owner != user_name && owner != user_id) continue;
    IdRange range{.inside = 1};
    if (read_number(std::string_view(line).substr(first + 1, second - first - 1), range.outside) &&
        read_number(std::string_view(line).substr(second + 1), range.count) && range.count > 0)
      return range;
  }
  return {};
}

bool is_installed(const std::string& program) {
  for (const char* folder : {"/usr/bin/", "/bin/", "/usr/local/bin/"})
    if (::access((folder + program).c_str(), X_OK) == 0) return true;
  return false;
}

}  // namespace

Result<IdMaps> own_id_maps() {
  const uid_t user = ::geteuid();
  const gid_t group = ::getegid();
  const passwd* entry = ::getpwuid(user);
  const std::string name = entry != nullptr ? entry->pw_name : "";
  IdRange users = first_range("/etc/subuid", name, std::to_string(user));
  IdRange groups = first_range("/etc/subgid", name, std::to_string(user));
  const bool have_ranges = users.count > 0 && groups.count > 0;
  if (user == 0) {
    if (!have_ranges) return IdMaps{};
    users.inside = groups.inside = 0;
    users.count = std::min(users.count, most_ids);
    groups.count = std::min(groups.count, most_ids);
    return IdMaps{{users}, {groups}};
  }
  IdMaps maps{{{0, user, 1}}, {{0, group, 1}}};
  if (!have_ranges || !is_installed("newuidmap") || !is_installed("newgidmap")) return maps;
  users.count = std::min(users.count, most_ids - 1);
  groups.count = std::min(groups.count, most_ids - 1);
  maps.users.push_back(users);
  maps.groups.push_back(groups);
  return maps;
}

}  // namespace strata::image
