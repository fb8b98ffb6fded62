// Time from the clock and getrusage, memory from /proc/self/smaps.
#include "control/host_use.h"

#include <sys/resource.h>

#include <fmt/format.h>

#include <charconv>
#include <fstream>
#include <iterator>
#include <string>

namespace strata::control {

using iface::Figure;
using Unit = iface::Figure::Unit;

namespace {

uint64_t nanoseconds(const timeval& time) {
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_usec) * 1000;
}

/// The number at the front of `text`, which is taken off; 0 where there is none.
uint64_t take_number(std::string_view& text, int base) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error == std::errc()) text.remove_prefix(static_cast<size_t>(end - text.data()));
  return value;
}

}  // namespace

// proc_pid_smaps(5): a line "begin-end …" in hexadecimal, then lines "Name:   number kB".
ResidentBytes resident_bytes(std::string_view smaps, uint64_t begin, uint64_t end) {
  constexpr std::string_view share = "Pss:";  // what is mapped twice, as translated code is, counts once
  ResidentBytes found;
  bool inside = false;
  while (!smaps.empty()) {
    const size_t length = std::min(smaps.find('\n'), smaps.size());
    std::string_view line = smaps.substr(0, length);
    smaps.remove_prefix(std::min(length + 1, smaps.size()));
    if (line.starts_with(share)) {
      line.remove_prefix(std::min(line.find_first_not_of(' ', share.size()), line.size()));
      (inside ? found.inside : found.outside) += take_number(line, 10) * 1024;
    } else if (const size_t dash = line.find('-'); dash != std::string_view::npos && dash < line.find(' ')) {
      const uint64_t from = take_number(line, 16);
      if (!line.empty()) line.remove_prefix(1);
      inside = from < end && begin < take_number(line, 16);
    }
  }
  return found;
}

std::vector<Figure> HostUse::figures(std::span<const std::byte> ram) const {
  std::vector<Figure> out;
  const auto wall = std::chrono::steady_clock::now() - start_;
  out.push_back({"wall time", static_cast<uint64_t>(std::chrono::nanoseconds(wall).count()), Unit::nanoseconds});
  if (rusage use; getrusage(RUSAGE_SELF, &use) == 0) {
    out.push_back({"CPU time", nanoseconds(use.ru_utime) + nanoseconds(use.ru_stime), Unit::nanoseconds,
                   fmt::format("of all threads, {:.3f} s of it in the host's kernel",
                               static_cast<double>(nanoseconds(use.ru_stime)) * 1e-9)});
  }
  std::ifstream file("/proc/self/smaps");
  const std::string smaps((std::istreambuf_iterator<char>(file)), {});
  if (smaps.empty()) return out;
  const auto begin = reinterpret_cast<uint64_t>(ram.data());
  const ResidentBytes found = resident_bytes(smaps, begin, begin + ram.size());
  out.push_back({"guest RAM in use", found.inside, Unit::bytes});
  out.push_back({"memory beyond RAM", found.outside, Unit::bytes, "at the end, with this program's code"});
  return out;
}

}  // namespace strata::control
