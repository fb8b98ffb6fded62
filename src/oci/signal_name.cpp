// Reads names and numbers of signals.
#include "oci/signal_name.h"

#include <signal.h>
#include <string.h>

#include <algorithm>
#include <charconv>

namespace strata::oci {
namespace {

bool parse_number(std::string_view text, int& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() && !text.empty();
}

}  // namespace

Result<int> signal_number(const std::string& name) {
  int number = 0;
  if (parse_number(name, number) && number > 0 && number <= SIGRTMAX) return number;
  std::string upper = name;
  std::ranges::transform(upper, upper.begin(), [](unsigned char c) { return std::toupper(c); });
  if (upper.starts_with("SIG")) upper.erase(0, 3);
  for (int signal = 1; signal < NSIG; ++signal)
    if (const char* known = ::sigabbrev_np(signal); known && upper == known) return signal;
  for (const auto& [word, base] : {std::pair("RTMIN", SIGRTMIN), std::pair("RTMAX", SIGRTMAX)}) {
    if (!upper.starts_with(word)) continue;
    std::string_view rest = std::string_view(upper).substr(5);
    if (rest.starts_with('+')) rest.remove_prefix(1);
    number = 0;
    if ((rest.empty() || parse_number(rest, number)) && base + number >= SIGRTMIN && base + number <= SIGRTMAX)
      return base + number;
  }
  return fail(ErrorCode::usage, "'{}' is no signal: give a name as SIGTERM, or a number from 1 to {}", name, SIGRTMAX);
}

}  // namespace strata::oci
