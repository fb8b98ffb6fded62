// Parsing references. The grammar is the distribution specification's (1.1, "Pulling manifests"), the short forms are
// those of the tools that came before.
#include "image/registry/reference.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>

namespace strata::image {
namespace {

constexpr std::string_view hub = "docker.io";

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// [a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*
bool is_component(std::string_view part) {
  if (part.empty() || !is_lower_or_digit(part.front()) || !is_lower_or_digit(part.back())) return false;
  for (std::size_t i = 0; i < part.size();) {
    if (is_lower_or_digit(part[i])) {
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < part.size() && part[end] == part[i]) ++end;
    const std::size_t longest = part[i] == '.' ? 1 : part[i] == '_' ? 2 : part[i] == '-' ? part.size() : 0;
    if (end - i > longest || !is_lower_or_digit(part[end])) return false;
    i = end;
  }
  return true;
}

bool is_repository(std::string_view text) {
  while (true) {
    const std::size_t slash = text.find('/');
    if (!is_component(text.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    text.remove_prefix(slash + 1);
  }
}

bool is_port(std::string_view text) {
  return !text.empty() && text.size() <= 5 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }) &&
         std::stoi(std::string(text)) <= 65535;
}

// A host's name or IPv4 address: labels of letters, digits and '-'.
bool is_registry(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon != std::string_view::npos && !is_port(text.substr(colon + 1))) return false;
  std::string_view host = text.substr(0, colon);
  while (true) {
    const std::size_t dot = host.find('.');
    const std::string_view label = host.substr(0, dot);
    const bool good =
        !label.empty() && label.front() != '-' && label.back() != '-' &&
        std::all_of(label.begin(), label.end(), [](char c) { return (is_word(c) && c != '_') || c == '-'; });
    if (!good) return false;
    if (dot == std::string_view::npos) return true;
    host.remove_prefix(dot + 1);
  }
}

bool looks_like_registry(std::string_view part) {
  return part.find_first_of(".:") != std::string_view::npos || part == "localhost";
}

bool is_tag(std::string_view text) {
  return !text.empty() && text.size() <= 128 && is_word(text[0]) &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_word(c) || c == '.' || c == '-'; });
}

bool is_sha256(std::string_view text) {
  constexpr std::string_view prefix = "sha256:";
  return text.size() == prefix.size() + 64 && text.starts_with(prefix) &&
         text.find_first_not_of("0123456789abcdef", prefix.size()) == std::string_view::npos;
}

tl::unexpected<Error> no_reference(std::string_view text, std::string_view why) {
  return fail(ErrorCode::usage,
              "'{}' is no image's name: {}; one looks like debian:trixie or localhost:5000/team/app:1.0", text, why);
}

}  // namespace

std::string Reference::name() const {
  return digest.empty() ? fmt::format("{}/{}:{}", registry, repository, tag)
                        : fmt::format("{}/{}@{}", registry, repository, digest);
}

Result<Reference> parse_reference(std::string_view text) {
  Reference reference;
  std::string_view rest = text;
  if (const std::size_t at = rest.find('@'); at != std::string_view::npos) {
    reference.digest = rest.substr(at + 1);
    rest = rest.substr(0, at);
    if (!is_sha256(reference.digest)) return no_reference(text, "after @ comes sha256: and 64 hexadecimal digits");
  }
  const std::size_t slash = rest.find('/');
  if (slash != std::string_view::npos && looks_like_registry(rest.substr(0, slash))) {
    reference.registry = rest.substr(0, slash);
    rest.remove_prefix(slash + 1);
  } else {
    reference.registry = default_registry();
  }
  if (!is_registry(reference.registry)) return no_reference(text, fmt::format("'{}' is no host", reference.registry));
  if (reference.registry == "index.docker.io" || reference.registry == "registry-1.docker.io") reference.registry = hub;
  // What is after the last slash and has a colon is a tag.
  const std::size_t colon = rest.find(':');
  std::string_view tag = colon == std::string_view::npos ? "latest" : rest.substr(colon + 1);
  if (!is_tag(tag)) return no_reference(text, fmt::format("'{}' is no tag", tag));
  if (reference.digest.empty()) reference.tag = tag;
  reference.repository = rest.substr(0, colon);
  if (reference.repository.find_first_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ") != std::string::npos)
    return no_reference(text, "registries have lower-case names only");
  if (!is_repository(reference.repository))
    return no_reference(text, fmt::format("'{}' is no repository", reference.repository));
  if (reference.registry == hub && reference.repository.find('/') == std::string::npos)
    reference.repository.insert(0, "library/");
  if (reference.registry.size() + reference.repository.size() > 254)
    return no_reference(text, "it has more than 255 letters");
  return reference;
}

std::string default_registry() {
  const char* chosen = std::getenv("STRATA_REGISTRY");
  return chosen != nullptr && *chosen != '\0' ? chosen : std::string(hub);
}

std::string host_of(std::string_view registry) {
  return std::string(registry == hub ? "registry-1.docker.io" : registry);
}

bool is_loopback(std::string_view registry) {
  const std::string_view host = registry.substr(0, registry.find(':'));
  // A name that only begins like an address, as 127.0.0.1.example.net, is somebody else's.
  const bool address = host.find_first_not_of("0123456789.") == std::string_view::npos;
  return host == "localhost" || (address && host.starts_with("127."));
}

}  // namespace strata::image
