// Typed reading of JSON values.
#include "base/json_reader.h"

namespace strata {

JsonReader JsonReader::operator[](std::string_view name) const {
  std::string path = path_.empty() ? std::string(name) : path_ + "." + std::string(name);
  const nlohmann::json* found = nullptr;
  if (present()) {
    if (!value_->is_object()) {
      complain("must be an object");
    } else if (const auto field = value_->find(name); field != value_->end() && !field->is_null()) {
      found = &*field;
    }
  }
  return {found, std::move(path), *problem_};
}

const JsonReader& JsonReader::required() const {
  if (!present()) complain("is missing");
  return *this;
}

std::string JsonReader::text() const {
  if (!present()) return {};
  if (!value_->is_string()) {
    complain("must be a string");
    return {};
  }
  const auto& text = value_->get_ref<const std::string&>();
  if (text.find('\0') != std::string::npos) complain("must not contain a NUL character");
  return text;
}

bool JsonReader::boolean() const {
  if (!present()) return false;
  if (value_->is_boolean()) return value_->get<bool>();
  complain("must be true or false");
  return false;
}

std::vector<std::string> JsonReader::texts() const {
  return list<std::string>([](const JsonReader& element) { return element.text(); });
}

}  // namespace strata
