// HttpClient: one HTTP request at a time, over one connection that is kept; libcurl stands behind it.
#pragma once

#include "base/result.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::image {

struct HttpOptions {
  std::string ca_file = {};           // PEM certificates that are trusted besides the host's own
  bool verify = true;                 // whether a server must prove that it is who it says
  std::chrono::seconds patience{60};  // to connect, and for how long less than a kilobyte a second is borne
  std::vector<int> cancel_fds = {};   // when one becomes readable, requests end with the error `cancelled`
};

struct HttpRequest {
  std::string method = "GET";
  std::string url = {};                   // absolute
  std::vector<std::string> headers = {};  // "Accept: text/plain"
  std::string body = {};                  // of POST, PUT and PATCH
  int body_file = -1;                     // in place of body: body_size bytes of this file from body_offset on
  std::uint64_t body_offset = 0;
  std::uint64_t body_size = 0;
  std::function<void(std::uint64_t bytes)> on_sent = {};  // as parts of the body go out
  std::size_t limit = std::size_t{4} << 20;  // of the answer, as far as it is kept in `body`; more is an error
};

struct HttpResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers = {};  // names in lower case
  std::string body = {};                                          // what no sink took

  // The first header of that name (in lower case), or nothing.
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const;
  // The number in a header, if it is one.
  [[nodiscard]] std::optional<std::uint64_t> number(std::string_view name) const;
};

// Why there was no whole response.
struct HttpError {
  enum class Kind {
    passing,  // cut, too slow: another try may succeed
    refused,  // nobody listens there, now
    no_tls,   // whoever answers does not speak TLS
    lasting,  // everything else, also what the sink said
  };
  Kind kind = Kind::lasting;
  Error error;
};
using HttpResult = tl::expected<HttpResponse, HttpError>;

// Takes the body of a response 2xx as it comes, with its status and headers. An error ends the request and is its result.
using BodySink = std::function<Result<void>(const HttpResponse& head, std::string_view data)>;

// For one thread.
class HttpClient {
 public:
  explicit HttpClient(HttpOptions options);
  HttpClient(HttpClient&&) noexcept;
  ~HttpClient();

  // Every status is a value. Redirects are not followed: who follows has to decide who may see what.
  [[nodiscard]] HttpResult perform(const HttpRequest& request, const BodySink& sink = {});

 private:
  struct Handles;
  HttpOptions options_;
  std::unique_ptr<Handles> handles_;
};

// The absolute address that `location` means in an answer from `base`.
[[nodiscard]] Result<std::string> resolve_url(std::string_view base, std::string_view location);
// Scheme, host and port of an address, as one text to compare.
[[nodiscard]] Result<std::string> origin_of(std::string_view url);
// The text as a value in a query: all but letters, digits and -._~ as %XX.
[[nodiscard]] std::string url_escape(std::string_view text);

}  // namespace strata::image
