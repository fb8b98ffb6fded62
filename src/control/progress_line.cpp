// A progress bar.
#include "control/progress_line.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace strata::control {

ProgressLine::ProgressLine() : on_terminal_(isatty(STDERR_FILENO)) {}

void ProgressLine::show(std::string_view phase, double fraction) {
  const int percent = static_cast<int>(std::clamp(fraction, 0.0, 1.0) * 100);
  const bool new_phase = phase != phase_;
  if (!new_phase && percent == percent_) return;
  phase_ = phase;
  percent_ = percent;
  if (!on_terminal_) {
    if (new_phase) fmt::print(stderr, "{}\n", phase);
    return;
  }
  constexpr int width = 30;
  const int filled = percent * width / 100;
  fmt::print(stderr, "\r\033[K[{:█<{}}{: <{}}] {:3}% {}", "", filled, "", width - filled, percent, phase);
  std::fflush(stderr);
  shown_ = true;
}

void ProgressLine::finish() {
  if (shown_) fmt::print(stderr, "\r\033[K");
  shown_ = false;
}

}  // namespace strata::control
