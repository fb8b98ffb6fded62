// Parses names as registries and Debian's suites have them, and escapes them for the file system.
#include "image/names.h"

#include "image/digest.h"

#include <algorithm>
#include <cctype>

namespace strata::image {
namespace {

constexpr std::size_t longest_folder = 240;  // a component of a path has 255 bytes, and staging folders add to it

bool is_alphanumeric(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

bool is_of(std::string_view text, std::string_view others) {
  return std::all_of(text.begin(), text.end(),
                     [&](char c) { return is_alphanumeric(c) || others.find(c) != others.npos; });
}

bool is_component(std::string_view text) { return !text.empty() && is_alphanumeric(text[0]) && is_of(text, "._+-"); }

// The first part may be a host with its port; [::1]:5000 is none, as no path needs it.
bool is_repository(std::string_view text) {
  bool first = true;
  while (true) {
    const std::size_t slash = text.find('/');
    std::string_view component = text.substr(0, slash);
    if (const std::size_t colon = component.find(':'); first && slash != text.npos && colon != component.npos) {
      const std::string_view port = component.substr(colon + 1);
      if (port.empty() || port.size() > 5 || port.find_first_not_of("0123456789") != port.npos) return false;
      component = component.substr(0, colon);
    }
    if (!is_component(component)) return false;
    if (slash == text.npos) return true;
    text.remove_prefix(slash + 1);
    first = false;
  }
}

}  // namespace

std::string Name::text() const {
  std::string all = repository;
  if (!tag.empty() && tag != "latest") all += ":" + tag;
  if (digest) all += "@" + *digest;
  return all;
}

Result<Name> parse_name(std::string_view text) {
  const auto malformed = [&] {
    return fail(ErrorCode::usage, "'{}' is no name of an image; one looks like debian:trixie or localhost:5000/app:1.0",
                text.substr(0, 200));
  };
  Name name;
  std::string_view rest = text;
  if (const std::size_t at = rest.find('@'); at != rest.npos) {
    const auto digest = Digest::parse(rest.substr(at + 1));
    if (!digest) return malformed();
    name.digest = digest->text();
    rest = rest.substr(0, at);
  }
  const std::size_t slash = rest.rfind('/');
  const std::size_t colon = rest.find(':', slash == rest.npos ? 0 : slash);
  if (colon != rest.npos) {
    name.tag = rest.substr(colon + 1);
    if (name.tag.empty() || name.tag.size() > 128 || !is_of(name.tag, "._+-")) return malformed();
    rest = rest.substr(0, colon);
  } else if (!name.digest) {
    name.tag = "latest";
  }
  name.repository = rest;
  if (!is_repository(rest) || folder_of_name(name.text()).size() > longest_folder) return malformed();
  return name;
}

std::string folder_of_name(std::string_view name) {
  std::string folder;
  for (const char c : name) {
    if (is_of({&c, 1}, "._+-:@")) folder += c;
    else folder += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return folder;
}

std::optional<std::string> name_of_folder(std::string_view folder) {
  std::string name;
  for (std::size_t i = 0; i < folder.size(); ++i) {
    if (folder.substr(i, 3) == "%2F") {
      name += '/';
      i += 2;
    } else {
      name += folder[i];
    }
  }
  const auto parsed = parse_name(name);
  if (!parsed || parsed->text() != name || folder_of_name(name) != folder) return std::nullopt;
  return name;
}

}  // namespace strata::image
