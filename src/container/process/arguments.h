// Lists of texts as execve(2) takes them.
#pragma once

#include <string>
#include <vector>

namespace strata::container {

/// Pointers into the texts, with a null pointer at the end; they hold as long as the texts are left alone.
[[nodiscard]] inline std::vector<char*> argument_pointers(const std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (const auto& text : texts) all.push_back(const_cast<char*>(text.c_str()));
  all.push_back(nullptr);
  return all;
}

}  // namespace strata::container
