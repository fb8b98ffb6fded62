// Reads the counters of cgroups, of either version.
#include "container/cgroup/usage.h"

#include "container/files.h"

#include <charconv>
#include <string_view>

namespace strata::container {
namespace {

std::optional<std::uint64_t> number_at(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return std::nullopt;  // "max", too
  return value;
}

void take(std::optional<std::uint64_t>& to, const std::string& path, std::uint64_t factor = 1) {
  if (const auto text = read_file(path))
    if (const auto value = number_at(*text)) to = *value * factor;
}

// The number behind a word, summed over all its places.
std::uint64_t sum_behind(const std::string& text, std::string_view word) {
  std::uint64_t sum = 0;
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1))
    sum += number_at(std::string_view(text).substr(at + word.size())).value_or(0);
  return sum;
}

}  // namespace

Usage read_usage(const std::vector<std::string>& folders) {
  // Version 1 writes "no limit" as the largest number of pages.
  constexpr std::uint64_t unlimited = std::uint64_t{1} << 60;
  Usage usage;
  for (const auto& folder : folders) {
    take(usage.cpu_nanoseconds, folder + "/cpuacct.usage");
    take(usage.memory, folder + "/memory.usage_in_bytes");
    take(usage.memory_limit, folder + "/memory.limit_in_bytes");
    take(usage.memory, folder + "/memory.current");
    take(usage.memory_limit, folder + "/memory.max");
    take(usage.pids, folder + "/pids.current");
    take(usage.pids_limit, folder + "/pids.max");
    if (const auto text = read_file(folder + "/cpu.stat");
        text && text->starts_with("usage_usec ") && !usage.cpu_nanoseconds)
      usage.cpu_nanoseconds = sum_behind(*text, "usage_usec ") * 1000;
    if (const auto text = read_file(folder + "/io.stat")) {
      usage.read_bytes += sum_behind(*text, "rbytes=");
      usage.written_bytes += sum_behind(*text, "wbytes=");
    }
    if (const auto text = read_file(folder + "/blkio.throttle.io_service_bytes")) {
      usage.read_bytes += sum_behind(*text, " Read ");
      usage.written_bytes += sum_behind(*text, " Write ");
    }
  }
  if (usage.memory_limit >= unlimited) usage.memory_limit.reset();
  return usage;
}

}  // namespace strata::container
