// Reading the values of container options.
#include "control/container_words.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <filesystem>

#include "base/user_folders.h"
#include "container/spec/read_spec.h"
#include "control/quantity.h"

namespace strata::control {
namespace {

using container::Seconds;

constexpr size_t longest_name = 100, longest_host_name = 63;

std::string_view take_part(std::string_view& rest, char separator) {
  const size_t end = rest.find(separator);
  const std::string_view part = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
  return part;
}

bool is_name(std::string_view name, size_t longest, std::string_view others) {
  const auto allowed = [&](unsigned char c) {
    return std::isalnum(c) || others.find(static_cast<char>(c)) != others.npos;
  };
  return !name.empty() && name.size() <= longest && std::isalnum(static_cast<unsigned char>(name[0])) &&
         std::ranges::all_of(name, allowed);
}

Result<std::string> inside_path(std::string_view text) {
  if (!text.starts_with('/')) return fail(ErrorCode::usage, "'{}' is no absolute path inside", text);
  std::string path = std::filesystem::path(text).lexically_normal().string();
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  if (path == "/") return fail(ErrorCode::usage, "'{}' is the root itself", text);
  return path;
}

/// Takes ":ro" or ":rw" off the end.
bool take_read_only(std::string_view& text) {
  const bool read_only = text.ends_with(":ro");
  if (read_only || text.ends_with(":rw")) text.remove_suffix(3);
  return read_only;
}

Result<uint64_t> limit_value(std::string_view text) {
  if (text == "unlimited") return ~uint64_t{0};
  return parse_number("the limit", text, 0, ~uint64_t{0});
}

}  // namespace

Result<void> check_container_name(std::string_view name) {
  if (is_name(name, longest_name, "_.-")) return {};
  return fail(ErrorCode::usage,
              "'{}' is no name of a container: letters, digits, '_', '.' and '-' make one, 100 at most", name);
}

Result<void> check_host_name(std::string_view name) {
  if (is_name(name, longest_host_name, ".-")) return {};
  return fail(ErrorCode::usage, "'{}' is no host name: letters, digits, '.' and '-' make one, 63 at most", name);
}

Result<unsigned> parse_thousandths(std::string_view what, std::string_view text) {
  const std::string_view whole = text.substr(0, text.find('.'));
  const std::string_view rest = whole.size() == text.size() ? std::string_view("0") : text.substr(whole.size() + 1);
  const auto digits = [](std::string_view part) {
    return !part.empty() && std::ranges::all_of(part, [](unsigned char c) { return std::isdigit(c); });
  };
  if (!digits(whole) || !digits(rest) || whole.size() > 6)
    return fail(ErrorCode::usage, "{} '{}' is no number such as 0.5 or 2", what, text);
  const std::string thousandths =
      std::string(rest.substr(0, 3)) + std::string(3 - std::min<size_t>(3, rest.size()), '0');
  return static_cast<unsigned>(std::atoi(std::string(whole).c_str()) * 1000 + std::atoi(thousandths.c_str()));
}

Result<Seconds> parse_seconds(std::string_view what, std::string_view text, Seconds least) {
  std::string_view number = text;
  uint64_t unit = 1;
  static constexpr std::pair<char, uint64_t> units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
  for (const auto& [letter, seconds] : units)
    if (text.ends_with(letter)) number.remove_suffix(1), unit = seconds;
  uint64_t value = 0;
  constexpr uint64_t most = uint64_t{10} * 365 * 86400;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  if (error != std::errc{} || end != number.data() + number.size() || value > most / unit)
    return fail(ErrorCode::usage, "{} '{}' is no time: write 10, 90s, 5m, 2h or 1d", what, text);
  if (Seconds(value * unit) < least)
    return fail(ErrorCode::usage, "{} '{}' is less than {} s", what, text, least.count());
  return Seconds(value * unit);
}

Result<int> parse_signal(std::string_view what, std::string_view text) {
  std::string name(text);
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::toupper(c); });
  if (name.starts_with("SIG")) name.erase(0, 3);
  for (int number = 1; number < NSIG; ++number) {
    if (name == std::to_string(number)) return number;
    if (const char* known = ::sigabbrev_np(number); known && name == known) return number;
    if (number >= SIGRTMIN && name == fmt::format("RTMIN+{}", number - SIGRTMIN)) return number;
  }
  return fail(ErrorCode::usage, "{} '{}' is no signal: write a name such as TERM, or a number up to {}", what, text,
              SIGRTMAX);
}

Result<FolderChoice> parse_volume(std::string_view text) {
  std::string_view rest = text;
  const bool read_only = take_read_only(rest);
  const std::string_view name = take_part(rest, ':');
  if (rest.empty()) return fail(ErrorCode::usage, "'{}' is not VOLUME:PATH[:ro]", text);
  if (name.find('/') != name.npos)
    return fail(ErrorCode::usage, "'{}' is no volume's name: a folder of the host is shared by --share", name);
  if (!is_name(name, longest_name, "_.-"))
    return fail(ErrorCode::usage, "'{}' is no volume's name: letters, digits, '_', '.' and '-' make one", name);
  return FolderChoice{
      .volume = true, .source = std::string(name), .target = STRATA_TRY(inside_path(rest)), .read_only = read_only};
}

Result<void> add_share(ContainerOptions& options, std::string_view text) {
  std::string_view rest = text;
  const bool read_only = take_read_only(rest);
  const size_t colon = rest.rfind(':');
  if (colon == rest.npos || colon == 0) return fail(ErrorCode::usage, "'{}' is not DIR:PATH[:ro]", text);
  std::error_code error;
  const std::string source = std::filesystem::canonical(rest.substr(0, colon), error).string();
  if (error) return fail(ErrorCode::not_found, "{}: {}", rest.substr(0, colon), error.message());
  FolderChoice choice{
      .source = source, .target = STRATA_TRY(inside_path(rest.substr(colon + 1))), .read_only = read_only};
  options.given.emplace_back("share", fmt::format("{}:{}{}", source, choice.target, read_only ? ":ro" : ""));
  options.folders.push_back(std::move(choice));
  return {};
}

Result<TmpfsChoice> parse_tmpfs(std::string_view text) {
  std::string_view rest = text;
  TmpfsChoice choice{.target = STRATA_TRY(inside_path(take_part(rest, ':')))};
  if (!rest.empty()) choice.bytes = STRATA_TRY(parse_bytes("the size", rest));
  return choice;
}

Result<void> add_net(ContainerOptions& options, std::string_view text) {
  options.nets.emplace_back(text);
  return {};
}

Result<void> add_env(ContainerOptions& options, std::string_view text) {
  const size_t equals = text.find('=');
  std::string variable(text);
  if (equals == 0 || text.empty()) return fail(ErrorCode::usage, "'{}' is not NAME=VALUE", text);
  if (equals == text.npos) {
    const char* const own = std::getenv(variable.c_str());
    if (!own) return fail(ErrorCode::usage, "{} has no value here: write {}=VALUE", text, text);
    variable += std::string("=") + own;
  }
  options.given.emplace_back("env", variable);
  options.env.push_back(std::move(variable));
  return {};
}

Result<void> add_env_file(ContainerOptions& options, std::string_view path) {
  const std::string text = STRATA_TRY(read_whole_file(std::string(path)));
  std::string_view rest = text;
  for (unsigned number = 1; !rest.empty(); ++number) {
    const std::string_view line = take_part(rest, '\n');
    if (line.empty() || line.starts_with('#')) continue;
    STRATA_TRY(with_context(add_env(options, line), "{}:{}", path, number));
  }
  if (options.given.empty() || options.given.back().first != "env") options.given.emplace_back("env-file", "/dev/null");
  return {};
}

Result<void> add_sysctl(ContainerOptions& options, std::string_view text) {
  const size_t equals = text.find('=');
  if (equals == 0 || equals == text.npos) return fail(ErrorCode::usage, "'{}' is not NAME=VALUE", text);
  options.sysctls.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  return {};
}

Result<void> set_workdir(ContainerOptions& options, std::string_view text) {
  if (!text.starts_with('/')) return fail(ErrorCode::usage, "'{}' is no absolute path inside", text);
  options.workdir = text;
  return {};
}

Result<void> set_seccomp(ContainerOptions& options, std::string_view text) {
  if (text == "unconfined") {
    options.seccomp = text;
    return {};
  }
  std::error_code error;
  options.seccomp = std::filesystem::canonical(text, error).string();
  if (error) return fail(ErrorCode::not_found, "{}: {}", text, error.message());
  options.given.emplace_back("seccomp", options.seccomp);
  return {};
}

Result<DeviceChoice> parse_device(std::string_view text) {
  std::string_view rest = text;
  DeviceChoice choice{.path = std::string(take_part(rest, ':')), .target = {}, .access = "rwm"};
  struct stat found = {};
  if (::stat(choice.path.c_str(), &found) != 0) return fail_errno("{}", choice.path);
  if (!S_ISCHR(found.st_mode) && !S_ISBLK(found.st_mode)) return fail(ErrorCode::usage, "{} is no device", choice.path);
  choice.target = choice.path;
  if (rest.starts_with('/')) choice.target = STRATA_TRY(inside_path(take_part(rest, ':')));
  if (!rest.empty()) choice.access = rest;
  if (choice.access.find_first_not_of("rwm") != std::string::npos)
    return fail(ErrorCode::usage, "'{}' has more than the letters r, w and m", choice.access);
  return choice;
}

Result<LimitChoice> parse_limit(std::string_view text) {
  static constexpr std::array names = {"AS",   "CORE",   "CPU",   "DATA", "FSIZE",  "LOCKS",  "MEMLOCK",    "MSGQUEUE",
                                       "NICE", "NOFILE", "NPROC", "RSS",  "RTPRIO", "RTTIME", "SIGPENDING", "STACK"};
  std::string_view rest = text;
  std::string name(take_part(rest, '='));
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::toupper(c); });
  if (std::ranges::find(names, name) == names.end())
    return fail(ErrorCode::usage, "'{}' is no limit: one looks like nofile=1024:4096", text);
  const uint64_t soft = STRATA_TRY(limit_value(take_part(rest, ':')));
  const uint64_t hard = rest.empty() ? soft : STRATA_TRY(limit_value(rest));
  if (soft > hard) return fail(ErrorCode::usage, "{}: the soft limit is above the hard one", text);
  return LimitChoice{.name = "RLIMIT_" + name, .soft = soft, .hard = hard};
}

Result<container::RestartPolicy> parse_restart(std::string_view text) {
  using container::RestartWhen;
  if (text == "no") return container::RestartPolicy{};
  if (text == "always") return container::RestartPolicy{.when = RestartWhen::always};
  if (text == "on-failure") return container::RestartPolicy{.when = RestartWhen::on_failure};
  constexpr std::string_view counted = "on-failure:";
  if (text.starts_with(counted)) {
    const auto most = STRATA_TRY(parse_number("the number of restarts", text.substr(counted.size()), 1, 1'000'000));
    return container::RestartPolicy{.when = RestartWhen::on_failure, .most = static_cast<unsigned>(most)};
  }
  return fail(ErrorCode::usage, "'{}' is not one of no, on-failure, on-failure:N, always", text);
}

namespace {

Result<void> add_port(std::optional<std::vector<uint16_t>>& ports, std::string_view text) {
  if (!ports) ports.emplace();
  if (text == "none") return {};
  ports->push_back(static_cast<uint16_t>(STRATA_TRY(parse_number("the port", text, 1, 65535))));
  return {};
}

Result<void> add_landlock_rule(LandlockChoice& choice, std::string_view rule) {
  const std::string_view key = take_part(rule, '=');
  if (key == "bind") return add_port(choice.bind_ports, rule);
  if (key == "connect") return add_port(choice.connect_ports, rule);
  const bool write = key == "write";
  if (!write && (key != "read-only" || !rule.empty()))
    return fail(ErrorCode::usage, "'{}' is not one of read-only, write=PATH, bind=PORT, connect=PORT", key);
  if (!choice.writable) choice.writable.emplace();
  if (write) choice.writable->push_back(STRATA_TRY(inside_path(rule)));
  return {};
}

}  // namespace

Result<void> add_landlock_rules(LandlockChoice& choice, std::string_view text) {
  do {
    STRATA_TRY(add_landlock_rule(choice, take_part(text, ',')));
  } while (!text.empty());
  return {};
}

Result<std::string> parse_capability(std::string_view what, std::string_view text) {
  std::string name(text);
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::toupper(c); });
  if (name == "ALL") return name;
  if (container::capability_number(name) < 0)
    return fail(ErrorCode::usage, "{} '{}' is no capability: one looks like NET_RAW", what, text);
  return name.starts_with("CAP_") ? name : "CAP_" + name;
}

}  // namespace strata::control
