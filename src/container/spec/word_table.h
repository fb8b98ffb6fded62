// Words of config.json and what they stand for.
#pragma once

#include "base/json_reader.h"

#include <iterator>

namespace strata::container {

template <class T>
struct Word {
  std::string_view word;
  T value;
};

/// What the text of a field stands for; words that the table does not have are told to the problem, with all that it has.
template <class T, std::size_t count>
[[nodiscard]] T read_word(const JsonReader& json, const Word<T> (&table)[count]) {
  const std::string text = json.text();
  for (const auto& row : table)
    if (row.word == text) return row.value;
  if (json.present()) {
    std::string all;
    for (const auto& row : table) all += (all.empty() ? "" : ", ") + std::string(row.word);
    json.complain(fmt::format("'{}' is unknown; known are {}", text, all));
  }
  return table[0].value;
}

}  // namespace strata::container
