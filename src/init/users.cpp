// Looks users and groups up in the texts of /etc/passwd and /etc/group.
#include "init/users.h"

#include "init/text.h"

namespace strata::init {
namespace {

/// One line of /etc/passwd (7 fields) or /etc/group (4).
struct Line {
  std::string_view fields[7];
};

bool next_line(std::string_view& text, Line& line) {
  if (text.empty()) return false;
  std::string_view rest = take_until(text, '\n');
  for (std::string_view& field : line.fields) field = take_until(rest, ':');
  return true;
}

/// Whether the line is of that name, or of that number (in field 2 of both files).
bool is_of(const Line& line, std::string_view wanted) {
  return !line.fields[0].empty() && (line.fields[0] == wanted || line.fields[2] == wanted);
}

bool is_member(std::string_view members, std::string_view name) {
  while (!members.empty())
    if (take_until(members, ',') == name) return true;
  return false;
}

void add_groups(Identity& identity, std::string_view name, std::string_view group) {
  for (Line line; next_line(group, line);) {
    const auto id = parse_number(line.fields[2]);
    if (!id || *id == identity.group || !is_member(line.fields[3], name)) continue;
    if (identity.group_count < Identity::most_groups) identity.groups[identity.group_count++] = *id;
  }
}

bool find_user(Identity& identity, std::string_view wanted, std::string_view passwd, std::string_view& name) {
  const auto number = parse_number(wanted);
  if (number) identity.user = *number;
  for (Line line; next_line(passwd, line);) {
    const auto user = parse_number(line.fields[2]), group = parse_number(line.fields[3]);
    if (!user || !group || !is_of(line, wanted)) continue;
    identity.user = *user;
    identity.group = *group;
    if (!line.fields[5].empty()) identity.home = line.fields[5];
    name = line.fields[0];
    return true;
  }
  return number.has_value();
}

bool find_group(Identity& identity, std::string_view wanted, std::string_view group) {
  for (Line line; next_line(group, line);) {
    const auto id = parse_number(line.fields[2]);
    if (!id || !is_of(line, wanted)) continue;
    identity.group = *id;
    return true;
  }
  const auto number = parse_number(wanted);
  if (number) identity.group = *number;
  return number.has_value();
}

}  // namespace

std::optional<Identity> find_identity(std::string_view wanted, std::string_view passwd, std::string_view group) {
  Identity identity;
  std::string_view name;
  const std::string_view user = take_until(wanted, ':');
  if (!find_user(identity, user.empty() ? "0" : user, passwd, name)) return std::nullopt;
  if (!wanted.empty()) {
    if (!find_group(identity, wanted, group)) return std::nullopt;
  } else if (!name.empty()) {
    add_groups(identity, name, group);
  }
  return identity;
}

}  // namespace strata::init
