// The words of a switch's control socket: a request is one line of JSON, and so is its answer (docs/formats).
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

namespace strata::network {

using Json = nlohmann::json;

inline constexpr int control_version = 1;
inline constexpr size_t largest_request = size_t{4} << 20;  ///< bytes, line feed included
inline constexpr size_t largest_answer = size_t{64} << 20;

/// A line without its line feed; the error is for the peer.
[[nodiscard]] Result<Json> parse_request(std::string_view line);

/// {"version":1,"ok":true,"result":…} or {"version":1,"ok":false,"error":{"code":…,"message":…}}, with a line feed.
[[nodiscard]] std::string answer_line(const Result<Json>& result);

/// What answer_line() made.
[[nodiscard]] Result<Json> parse_answer(std::string_view line);

[[nodiscard]] std::string request_line(Json request);

/// Text that is not UTF-8 is written with replacement characters, for names come from files and peers.
[[nodiscard]] std::string to_text(const Json& json, int indent = -1);

/// A field of a request, of the type that is wanted; the error names it.
[[nodiscard]] Result<std::string> text_field(const Json& request, const char* key);
[[nodiscard]] std::string text_field_or(const Json& request, const char* key, std::string_view otherwise);
[[nodiscard]] uint64_t number_field_or(const Json& request, const char* key, uint64_t otherwise);
[[nodiscard]] bool flag_field(const Json& request, const char* key);

}  // namespace strata::network
