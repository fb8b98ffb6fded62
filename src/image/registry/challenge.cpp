// Parsing challenges. Servers are sloppy with commas and blanks, so only words, '=' and quotes count.
#include "image/registry/challenge.h"

#include <cctype>

namespace strata::image {
namespace {

// RFC 9110, section 5.6.2; and '/', ':' and '@', which values without quotes have in practice.
bool is_token(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
         std::string_view("!#$%&'*+-.^_`|~/:@").find(c) != std::string_view::npos;
}

class Cursor {
 public:
  explicit Cursor(std::string_view text) : rest_(text) {}

  bool at_end() const { return rest_.empty(); }
  char peek() const { return rest_.empty() ? '\0' : rest_[0]; }
  void skip() { rest_.remove_prefix(rest_.empty() ? 0 : 1); }
  void skip_blanks() {
    while (peek() == ' ' || peek() == '\t') skip();
  }

  std::string lower_token() {
    std::string word;
    for (; is_token(peek()); skip())
      word.push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(peek()))));
    return word;
  }

  std::string value() {
    std::string text;
    if (peek() != '"') {
      for (; is_token(peek()); skip()) text.push_back(peek());
      return text;
    }
    for (skip(); !at_end() && peek() != '"'; skip()) {
      if (peek() == '\\') skip();
      if (!at_end()) text.push_back(peek());
    }
    skip();
    return text;
  }

 private:
  std::string_view rest_;
};

}  // namespace

std::string Challenge::parameter(const std::string& name) const {
  const auto found = parameters.find(name);
  return found == parameters.end() ? std::string() : found->second;
}

std::vector<Challenge> parse_challenges(std::string_view header) {
  std::vector<Challenge> challenges;
  Cursor cursor(header);
  while (!cursor.at_end()) {
    cursor.skip_blanks();
    std::string word = cursor.lower_token();
    cursor.skip_blanks();
    if (word.empty()) {
      cursor.skip();
    } else if (cursor.peek() != '=') {
      challenges.push_back({std::move(word), {}});
    } else {
      cursor.skip();
      cursor.skip_blanks();
      std::string value = cursor.value();
      if (!challenges.empty()) challenges.back().parameters.emplace(std::move(word), std::move(value));
    }
  }
  return challenges;
}

}  // namespace strata::image
