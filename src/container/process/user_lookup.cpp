// Reads /etc/passwd and /etc/group, which a container may have filled with anything.
#include "container/process/user_lookup.h"

#include "base/unique_fd.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

namespace strata::container {
namespace {

constexpr std::size_t longest_file = 4 << 20;

using Fields = std::vector<std::string_view>;

// Empty where there is none, or no plain file: a fifo would keep us waiting for ever.
std::string read_plain_file(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat found {};
  if (!file || ::fstat(file.get(), &found) != 0 || !S_ISREG(found.st_mode)) return {};
  std::string text(std::min(static_cast<std::size_t>(found.st_size), longest_file), '\0');
  std::size_t have = 0;
  while (have < text.size()) {
    const ssize_t size = ::read(file.get(), text.data() + have, text.size() - have);
    if (size <= 0) break;
    have += static_cast<std::size_t>(size);
  }
  text.resize(have);
  return text;
}

Fields split(std::string_view text, char separator) {
  Fields fields;
  while (true) {
    const std::size_t end = text.find(separator);
    fields.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return fields;
    text.remove_prefix(end + 1);
  }
}

// Calls f with the fields of each line that has at least `least`, until it says true.
void each_line(const std::string& text, std::size_t least, const std::function<bool(const Fields&)>& f) {
  for (const auto line : split(text, '\n'))
    if (const Fields fields = split(line, ':'); fields.size() >= least && f(fields)) return;
}

std::optional<std::uint32_t> number(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

struct PasswdLine {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
  std::string home;
};

// By name first: a name may be made of digits.
std::optional<PasswdLine> find_line(const std::string& root, std::string_view who) {
  const auto wanted = number(who);
  std::optional<PasswdLine> by_number, by_name;
  each_line(read_plain_file(root + "/etc/passwd"), 4, [&](const Fields& fields) {
    const auto uid = number(fields[2]), gid = number(fields[3]);
    if (!uid || !gid) return false;
    const PasswdLine line{std::string(fields[0]), *uid, *gid, std::string(fields.size() > 5 ? fields[5] : "")};
    if (fields[0] == who) by_name = line;
    if (!by_number && wanted && *uid == *wanted) by_number = line;
    return by_name.has_value();
  });
  return by_name ? by_name : by_number;
}

Result<gid_t> find_group(const std::string& root, std::string_view who) {
  std::optional<gid_t> found;
  each_line(read_plain_file(root + "/etc/group"), 3, [&](const Fields& fields) {
    if (fields[0] == who) found = number(fields[2]);
    return found.has_value();
  });
  if (!found) found = number(who);
  if (!found) return fail(ErrorCode::not_found, "there is no group '{}' in the container's /etc/group", who);
  return *found;
}

std::vector<gid_t> groups_that_list(const std::string& root, std::string_view name) {
  std::vector<gid_t> groups;
  each_line(read_plain_file(root + "/etc/group"), 4, [&](const Fields& fields) {
    const auto gid = number(fields[2]);
    if (gid && std::ranges::count(split(fields[3], ','), name) > 0) groups.push_back(*gid);
    return false;
  });
  return groups;
}

}  // namespace

Result<void> find_user(User& user, const std::string& root) {
  if (user.name.empty()) return {};
  const std::size_t colon = user.name.find(':');
  const std::string_view who = std::string_view(user.name).substr(0, colon);
  const auto line = find_line(root, who);
  const auto uid = line ? std::optional(line->uid) : number(who);
  if (!uid) return fail(ErrorCode::not_found, "there is no user '{}' in the container's /etc/passwd", who);
  user.uid = *uid;
  if (colon != std::string::npos) {
    user.gid = STRATA_TRY(find_group(root, std::string_view(user.name).substr(colon + 1)));
    return {};
  }
  user.gid = line ? line->gid : 0;
  if (line)
    for (const gid_t gid : groups_that_list(root, line->name)) user.additional_gids.push_back(gid);
  return {};
}

std::string home_of(uid_t uid, const std::string& root) {
  std::string home;
  each_line(read_plain_file(root + "/etc/passwd"), 6, [&](const Fields& fields) {
    if (number(fields[2]) != uid || fields[5].empty()) return false;
    home = fields[5];
    return true;
  });
  if (!home.empty()) return home;
  return uid == 0 ? "/root" : "/";
}

}  // namespace strata::container
