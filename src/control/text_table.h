// TextTable: rows of text as aligned columns, for people.
#pragma once

#include <string>
#include <vector>

namespace strata::control {

/// The first row is the heading. The last column is as wide as it likes.
class TextTable {
 public:
  explicit TextTable(std::vector<std::string> heading) : rows_{std::move(heading)} {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace strata::control
