// Reading a conformance table.
#include "tests/network/table.h"

#include <fstream>

#include "tests/network/words.h"

namespace strata::network::conformance {

std::vector<Case> read_table(const std::filesystem::path& file) {
  std::ifstream stream(file);
  std::vector<Case> cases;
  std::vector<Step> setup;
  bool in_case = false;
  std::string line;
  for (int number = 1; std::getline(stream, line); ++number) {
    const auto comment = line.find('#');
    const auto text = trim(std::string_view(line).substr(0, comment));
    if (text.empty()) continue;
    if (line[0] == ' ') {
      if (!in_case) throw Mistake(fmt::format("{}:{}: a step outside of a case", file.string(), number));
      cases.back().steps.push_back({number, std::string(text)});
      continue;
    }
    const auto [verb, rest] = split_pair(text, ' ');
    if (verb == "case") {
      const auto [clause, title] = split_pair(rest, ' ');
      cases.push_back({file.filename().string(), number, std::string(clause), std::string(title), setup, {}});
      in_case = true;
      continue;
    }
    if (verb == "switch") setup.clear();
    setup.push_back({number, std::string(text)});
    in_case = false;
  }
  return cases;
}

}  // namespace strata::network::conformance
