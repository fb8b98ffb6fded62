// Progress shown to people: one line that moves on a terminal, plain lines elsewhere.
#pragma once

#include <string>
#include <string_view>

namespace strata::control {

/// On standard error.
class ProgressLine {
 public:
  ProgressLine();
  ~ProgressLine() { finish(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  /// `fraction` is from 0 to 1.
  void show(std::string_view phase, double fraction);
  /// Takes the moving line away.
  void finish();

 private:
  const bool on_terminal_;
  bool shown_ = false;
  std::string phase_;
  int percent_ = -1;
};

}  // namespace strata::control
