// Words of a line of text, as the conformance tables are made of; a mistake in a table is thrown as Mistake.
#pragma once

#include <charconv>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace strata::network::conformance {

struct Mistake : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

/// The trimmed pieces between separators; none of an empty text, and no empty ones for ' '.
inline std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> pieces;
  text = trim(text);
  while (!text.empty()) {
    const auto end = text.find(separator);
    const auto piece = trim(text.substr(0, end));
    if (separator != ' ' || !piece.empty()) pieces.push_back(piece);
    if (end == std::string_view::npos) break;
    text = text.substr(end + 1);
  }
  return pieces;
}

/// "a=b" to a and b; b is empty where there is no '='.
inline std::pair<std::string_view, std::string_view> split_pair(std::string_view text, char separator = '=') {
  const auto at = text.find(separator);
  if (at == std::string_view::npos) return {trim(text), {}};
  return {trim(text.substr(0, at)), trim(text.substr(at + 1))};
}

inline std::uint64_t number(std::string_view text, int base = 10) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size()) throw Mistake(fmt::format("'{}' is no number", text));
  return value;
}

template <class T>
T must(Result<T> result) {
  if (!result) throw Mistake(result.error().message);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

}  // namespace strata::network::conformance
