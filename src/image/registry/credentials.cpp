// Reading auth.json (containers-auth.json(5)) and docker's config.json, which have the same form.
#include "image/registry/credentials.h"

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "base/json_reader.h"
#include "base/log.h"
#include "base/user_folders.h"

namespace strata::image {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string base64_encode(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); i += 3) {
    const auto byte = [&](std::size_t n) { return i + n < text.size() ? static_cast<unsigned char>(text[i + n]) : 0U; };
    const std::uint32_t group = byte(0) << 16 | byte(1) << 8 | byte(2);
    for (std::size_t n = 0; n < 4; ++n)
      result.push_back(n <= text.size() - i ? digits[group >> (18 - 6 * n) & 63] : '=');
  }
  return result;
}

std::optional<std::string> base64_decode(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string result;
  std::uint32_t group = 0;
  int bits = 0;
  for (const char c : text) {
    const std::size_t value = digits.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    group = group << 6 | static_cast<std::uint32_t>(value);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    result.push_back(static_cast<char>(group >> bits & 0xff));
  }
  return result;
}

// Keys are written in many ways: "https://index.docker.io/v1/", "localhost:5000", "ghcr.io/team".
std::string_view plain_key(std::string_view key) {
  for (const std::string_view scheme : {"https://", "http://"})
    if (key.starts_with(scheme)) key.remove_prefix(scheme.size());
  while (key.ends_with('/')) key.remove_suffix(1);
  for (const std::string_view version : {"/v1", "/v2"})
    if (key.ends_with(version)) key.remove_suffix(version.size());
  return key == "index.docker.io" || key == "registry-1.docker.io" ? "docker.io" : key;
}

// Whether the key is the name or a folder above it.
bool covers(std::string_view key, std::string_view name) {
  return name.starts_with(key) && (name.size() == key.size() || name[key.size()] == '/');
}

Result<std::optional<Credentials>> credentials_of(const JsonReader& entry, const fs::path& path) {
  Credentials credentials;
  credentials.identity_token = entry["identitytoken"].text();
  const std::string auth = entry["auth"].text();
  if (!auth.empty()) {
    const auto decoded = base64_decode(auth);
    const std::size_t colon = decoded ? decoded->find(':') : std::string::npos;
    if (colon == std::string::npos)
      return fail(ErrorCode::bad_data, "{}: {}.auth is not USER:PASSWORD in base64", path.string(), entry.path());
    credentials.user = decoded->substr(0, colon);
    credentials.password = decoded->substr(colon + 1);
    while (credentials.password.ends_with('\0')) credentials.password.pop_back();  // as old tools padded it
  }
  // So docker names a user who has a token alone.
  if (credentials.user == "<token>") credentials.identity_token = credentials.password;
  if (credentials.user.empty() && credentials.identity_token.empty()) return std::nullopt;
  return credentials;
}

Result<std::optional<Credentials>> find_in_file(const fs::path& path, std::string_view name) {
  const std::string text = STRATA_TRY(read_whole_file(path));
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return fail(ErrorCode::bad_data, "{} is no JSON object: repair or remove it", path.string());
  JsonProblem problem;
  const JsonReader root(&json, "", problem);
  std::string best;
  std::string_view best_plain;
  std::optional<JsonReader> entry;
  root["auths"].each_field([&](const std::string& key, const JsonReader& value) {
    const std::string_view plain = plain_key(key);
    if (!covers(plain, name) || (entry && plain.size() <= best_plain.size())) return;
    best = key;
    best_plain = plain_key(best);
    entry = value;
  });
  auto found = entry ? credentials_of(*entry, path) : Result<std::optional<Credentials>>(std::nullopt);
  STRATA_TRY(with_context(problem.result(), "{}", path.string()));
  if (found && !*found && (root["credsStore"] || root["credHelpers"]))
    log::warn("{} leaves passwords to a helper program, which Strata does not ask: --creds gives them", path.string());
  return found;
}

std::vector<fs::path> usual_files() {
  std::vector<fs::path> files;
  const auto add = [&files](const char* variable, const char* rest) {
    const char* folder = std::getenv(variable);
    const bool set = folder != nullptr && *folder == '/';
    if (set) files.push_back(fs::path(folder) / rest);
    return set;
  };
  add("XDG_RUNTIME_DIR", "containers/auth.json");
  if (!add("XDG_CONFIG_HOME", "containers/auth.json")) add("HOME", ".config/containers/auth.json");
  if (!add("DOCKER_CONFIG", "config.json")) add("HOME", ".docker/config.json");
  return files;
}

}  // namespace

Result<Credentials> parse_credentials(std::string_view text) {
  const std::size_t colon = text.find(':');
  // The text itself is not repeated: it may be a password.
  if (colon == std::string_view::npos || colon == 0)
    return fail(ErrorCode::usage, "--creds is USER:PASSWORD, with a colon between them");
  return Credentials{std::string(text.substr(0, colon)), std::string(text.substr(colon + 1)), {}};
}

Result<std::optional<Credentials>> find_credentials(std::string_view registry, std::string_view repository) {
  const std::string name = fmt::format("{}/{}", registry, repository);
  if (const char* chosen = std::getenv("REGISTRY_AUTH_FILE"); chosen != nullptr && *chosen != '\0')
    return with_context(find_in_file(chosen, name), "$REGISTRY_AUTH_FILE");
  for (const fs::path& path : usual_files()) {
    std::error_code ignored;
    if (!fs::exists(path, ignored)) continue;
    auto found = STRATA_TRY(find_in_file(path, name));
    if (found) return found;
  }
  return std::nullopt;
}

std::string basic_authorization(const Credentials& credentials) {
  return "Basic " + base64_encode(credentials.user + ":" + credentials.password);
}

}  // namespace strata::image
