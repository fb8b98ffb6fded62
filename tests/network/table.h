// A conformance table: cases of frames in and frames out, read from a text file (conformance/README.md).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace strata::network::conformance {

struct Step {
  int line = 0;
  std::string text;
};

struct Case {
  std::string file;
  int line = 0;
  std::string clause;  ///< of 802.1Q-2018, or another source
  std::string title;
  std::vector<Step> setup;  ///< the switch and its ports
  std::vector<Step> steps;
};

std::vector<Case> read_table(const std::filesystem::path& file);

/// Runs a case on a bridge of its own; what was not as the table says, a line each.
std::vector<std::string> run(const Case& test_case);

}  // namespace strata::network::conformance
