// Asks the host's apt for its mirror and its connection settings; nothing here names a host.
#include "image/apt_sources.h"

#include "base/process.h"

#include <algorithm>
#include <array>
#include <fstream>

namespace strata::image {
namespace {

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

std::string without_trailing_slash(std::string_view uri) {
  while (uri.ends_with('/')) uri.remove_suffix(1);
  return std::string(uri);
}

// A `mirror+file:` source names a local list of mirrors, as Debian's cloud images have it; a guest cannot read that
// file, so the first mirror of the list stands for it.
std::string first_of_mirror_list(const std::string& uri) {
  constexpr std::string_view scheme = "mirror+file:";
  if (!uri.starts_with(scheme)) return uri;
  std::ifstream list(uri.substr(scheme.size()));
  for (std::string line; std::getline(list, line);) {
    const std::string mirror = line.substr(0, line.find_first_of(" \t"));
    if (!mirror.empty() && !mirror.starts_with('#')) return without_trailing_slash(mirror);
  }
  return uri;
}

struct Repository {
  std::string uri;
  std::vector<std::string> components;
};

// The first repository with that label. Where apt has no package lists yet it cannot know labels (it leaves the
// format's word in place); the path that Debian's mirrors use stands for it.
Repository find_repository(std::string_view targets, std::string_view label, std::string_view path) {
  Repository found;
  for (const std::string_view line : split(targets, '\n')) {
    const std::vector<std::string_view> fields = split(line, '|');
    if (fields.size() != 3) continue;
    const std::string uri = first_of_mirror_list(without_trailing_slash(fields[0]));
    const bool matches = fields[1].starts_with('$') ? uri.ends_with(path) : fields[1] == label;
    if (!matches || (!found.uri.empty() && uri != found.uri)) continue;
    found.uri = uri;
    const std::string component(fields[2]);
    if (std::find(found.components.begin(), found.components.end(), component) == found.components.end())
      found.components.push_back(component);
  }
  return found;
}

std::string source_line(const Repository& repository, const std::string& suite) {
  std::string line = "deb " + repository.uri + ' ' + suite;
  for (const std::string& component : repository.components) line.append(" ").append(component);
  return line;
}

// Lines such as `Acquire::http::Proxy "http://proxy:3128";` that decide whether and how the mirror is reached.
std::vector<std::string> connection_options(std::string_view configuration) {
  constexpr std::array<std::string_view, 4> wanted{"Acquire::http::", "Acquire::https::", "Acquire::Check-",
                                                   "Acquire::Retries"};
  std::vector<std::string> options;
  for (const std::string_view line : split(configuration, '\n')) {
    const bool is_wanted = std::any_of(wanted.begin(), wanted.end(), [&](auto name) { return line.starts_with(name); });
    if (is_wanted && !line.ends_with(" \"\";")) options.emplace_back(line);
  }
  return options;
}

}  // namespace

Result<AptSources> parse_apt_sources(const Recipe& recipe, std::string_view targets, std::string_view configuration) {
  const Repository archive = find_repository(targets, "Debian", "/debian");
  if (archive.uri.empty()) {
    return fail(ErrorCode::not_found,
                "apt knows of no Debian mirror: run 'apt-get update' as root, with one in /etc/apt/sources.list");
  }
  AptSources sources;
  sources.lines.push_back(source_line(archive, recipe.suite));
  if (recipe.has_updates) {
    sources.lines.push_back(source_line(archive, recipe.suite + "-updates"));
    const Repository security = find_repository(targets, "Debian-Security", "/debian-security");
    if (!security.uri.empty()) sources.lines.push_back(source_line(security, recipe.suite + "-security"));
  }
  sources.options = connection_options(configuration);
  for (const std::string& line : sources.lines) sources.needs_certificates |= line.starts_with("deb https:");
  return sources;
}

Result<AptSources> host_apt_sources(const Recipe& recipe) {
  const std::string targets =
      STRATA_TRY(with_context(output_of({{"apt-get", "indextargets", "--format", "$(REPO_URI)|$(LABEL)|$(COMPONENT)",
                                          "Created-By: Packages", "Target-Of: deb"}}),
                              "reading apt's sources"));
  const std::string configuration =
      STRATA_TRY(with_context(output_of({{"apt-config", "dump"}}), "reading apt's configuration"));
  return parse_apt_sources(recipe, targets, configuration);
}

}  // namespace strata::image
