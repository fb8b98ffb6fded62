// Requests and answers as lines of JSON.
#include "network/switch/control_message.h"

#include <array>
#include <utility>

namespace strata::network {
namespace {

constexpr std::array<std::pair<std::string_view, ErrorCode>, 12> code_names = {{
    {"failed", ErrorCode::failed},
    {"usage", ErrorCode::usage},
    {"not_found", ErrorCode::not_found},
    {"already_exists", ErrorCode::already_exists},
    {"permission_denied", ErrorCode::permission_denied},
    {"no_space", ErrorCode::no_space},
    {"busy", ErrorCode::busy},
    {"bad_data", ErrorCode::bad_data},
    {"unsupported", ErrorCode::unsupported},
    {"io", ErrorCode::io},
    {"timed_out", ErrorCode::timed_out},
    {"cancelled", ErrorCode::cancelled},
}};

std::string_view name_of(ErrorCode code) {
  for (const auto& [name, value] : code_names) {
    if (value == code) return name;
  }
  return "failed";
}

ErrorCode code_of(std::string_view name) {
  for (const auto& [known, value] : code_names) {
    if (known == name) return value;
  }
  return ErrorCode::failed;
}

}  // namespace

Result<Json> parse_request(std::string_view line) {
  Json request = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!request.is_object()) return fail(ErrorCode::bad_data, "a request is one line with one JSON object");
  const auto version = request.find("version");
  if (version == request.end() || !version->is_number_integer() || *version != control_version) {
    return fail(ErrorCode::unsupported,
                "this switch speaks version {} of the control protocol; stop and start it with "
                "the strata that asks",
                control_version);
  }
  return request;
}

std::string answer_line(const Result<Json>& result) {
  Json answer = {{"version", control_version}, {"ok", result.has_value()}};
  if (result) {
    answer["result"] = *result;
  } else {
    answer["error"] = {{"code", name_of(result.error().code)}, {"message", result.error().message}};
  }
  return to_text(answer) + '\n';
}

Result<Json> parse_answer(std::string_view line) {
  Json answer = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!answer.is_object()) return fail(ErrorCode::bad_data, "the switch's answer is no JSON");
  if (flag_field(answer, "ok")) return std::move(answer["result"]);
  const Json& error = answer["error"];
  return fail(code_of(text_field_or(error, "code", "")), "{}",
              text_field_or(error, "message", "the switch gave no reason"));
}

std::string request_line(Json request) {
  request["version"] = control_version;
  return to_text(request) + '\n';
}

std::string to_text(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

Result<std::string> text_field(const Json& request, const char* key) {
  if (request.is_object()) {
    const auto found = request.find(key);
    if (found != request.end() && found->is_string()) return found->get<std::string>();
  }
  return fail(ErrorCode::bad_data, "the request has no text '{}'", key);
}

std::string text_field_or(const Json& request, const char* key, std::string_view otherwise) {
  return text_field(request, key).value_or(std::string(otherwise));
}

uint64_t number_field_or(const Json& request, const char* key, uint64_t otherwise) {
  if (!request.is_object()) return otherwise;
  const auto found = request.find(key);
  return found != request.end() && found->is_number_unsigned() ? found->get<uint64_t>() : otherwise;
}

bool flag_field(const Json& request, const char* key) {
  if (!request.is_object()) return false;
  const auto found = request.find(key);
  return found != request.end() && found->is_boolean() && found->get<bool>();
}

}  // namespace strata::network
