// JsonReader: typed reading of one JSON document; the first field that is not what it should be is remembered by name.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace strata {

/// Where readers of one document leave the first thing that was wrong, as "process.args: must be a list of strings".
class JsonProblem {
 public:
  void say(std::string message) {
    if (message_.empty()) message_ = std::move(message);
  }
  [[nodiscard]] Result<void> result() const {
    if (message_.empty()) return {};
    return fail(ErrorCode::bad_data, "{}", message_);
  }

 private:
  std::string message_;
};

/// One value of the document, or a place where none is. Every read of a wrong type is told to the problem and gives the
/// default, so that readers need no branch for errors; the caller asks the problem once, at the end.
class JsonReader {
 public:
  JsonReader(const nlohmann::json* value, std::string path, JsonProblem& problem)
      : value_(value), path_(std::move(path)), problem_(&problem) {}

  /// The field of that name; null counts as absent, as it does for readers written in Go.
  [[nodiscard]] JsonReader operator[](std::string_view name) const;

  [[nodiscard]] bool present() const { return value_ != nullptr; }
  explicit operator bool() const { return present(); }
  [[nodiscard]] const std::string& path() const { return path_; }

  /// Tells the problem that the field has to be there, if it is not.
  const JsonReader& required() const;
  /// Tells the problem what this field's value must be.
  void complain(std::string_view must_be) const { problem_->say(path_ + ": " + std::string(must_be)); }

  [[nodiscard]] std::string text() const;
  [[nodiscard]] bool boolean() const;
  [[nodiscard]] std::vector<std::string> texts() const;
  [[nodiscard]] std::optional<bool> optional_boolean() const {
    return present() ? std::optional(boolean()) : std::nullopt;
  }

  /// A whole number that fits T.
  template <class T>
  [[nodiscard]] T number() const;
  template <class T>
  [[nodiscard]] std::optional<T> optional_number() const {
    return present() ? std::optional(number<T>()) : std::nullopt;
  }

  /// Calls f with a reader of each element.
  template <class F>
  void each(F&& f) const;
  /// Calls f with the name and a reader of each field.
  template <class F>
  void each_field(F&& f) const;

  /// A reader of each element, made into a T by f.
  template <class T, class F>
  [[nodiscard]] std::vector<T> list(F&& f) const {
    std::vector<T> all;
    each([&](const JsonReader& element) { all.push_back(f(element)); });
    return all;
  }

 private:
  const nlohmann::json* value_;
  std::string path_;
  JsonProblem* problem_;
};

/// Parses the text, which has to be an object, and gives it to f; every problem is an error of the host's.
template <class T, class F>
[[nodiscard]] Result<T> read_json_document(std::string_view text, F&& f) {
  const auto document = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (document.is_discarded()) return fail(ErrorCode::bad_data, "is not valid JSON");
  if (!document.is_object()) return fail(ErrorCode::bad_data, "must be a JSON object");
  JsonProblem problem;
  T value = f(JsonReader(&document, "", problem));
  STRATA_TRY(problem.result());
  return value;
}

template <class T>
T JsonReader::number() const {
  static_assert(std::is_integral_v<T>);
  if (!present()) return 0;
  if (value_->is_number_unsigned()) {
    if (const auto n = value_->get<std::uint64_t>(); std::in_range<T>(n)) return static_cast<T>(n);
  } else if (value_->is_number_integer()) {
    if (const auto n = value_->get<std::int64_t>(); std::in_range<T>(n)) return static_cast<T>(n);
  }
  complain(fmt::format("must be a whole number from {} to {}", std::numeric_limits<T>::min(),
                       std::numeric_limits<T>::max()));
  return 0;
}

template <class F>
void JsonReader::each(F&& f) const {
  if (!present()) return;
  if (!value_->is_array()) return complain("must be a list");
  for (std::size_t i = 0; i < value_->size(); ++i)
    f(JsonReader(&(*value_)[i], fmt::format("{}[{}]", path_, i), *problem_));
}

template <class F>
void JsonReader::each_field(F&& f) const {
  if (!present()) return;
  if (!value_->is_object()) return complain("must be an object");
  for (const auto& [name, value] : value_->items()) f(name, (*this)[name]);
}

}  // namespace strata
