// Texts without a library: pieces of lines, and numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace strata::init {

/// Takes the text before the first `separator` off `text`, and the separator; all of it where there is none.
constexpr std::string_view take_until(std::string_view& text, char separator) {
  std::size_t end = 0;
  while (end < text.size() && text[end] != separator) end++;
  const std::string_view taken(text.data(), end);
  text.remove_prefix(end < text.size() ? end + 1 : end);
  return taken;
}

/// Decimal digits only, at most 32 bits.
constexpr std::optional<std::uint32_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<unsigned>(c - '0');
    if (value > UINT32_MAX) return std::nullopt;
  }
  if (text.empty()) return std::nullopt;
  return static_cast<std::uint32_t>(value);
}

/// A text that is put together in place, always ended by a zero; what does not fit is cut off.
template <std::size_t Size>
class TextBuffer {
 public:
  TextBuffer& operator<<(std::string_view text) {
    for (const char c : text)
      if (used_ + 1 < Size) text_[used_++] = c;
    return *this;
  }
  TextBuffer& operator<<(std::uint32_t number) {
    char digits[10] = {};
    unsigned count = 0;
    do {
      digits[count++] = static_cast<char>('0' + number % 10);
      number /= 10;
    } while (number != 0);
    while (count > 0) *this << std::string_view(&digits[--count], 1);
    return *this;
  }
  const char* text() const { return text_; }
  operator std::string_view() const { return {text_, used_}; }

 private:
  char text_[Size] = {};
  std::size_t used_ = 0;
};

}  // namespace strata::init
