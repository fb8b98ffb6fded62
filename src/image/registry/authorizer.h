// Authorizer: gets what a registry wants to see in the header Authorization, once for all threads.
#pragma once

#include "base/result.h"

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "image/registry/challenge.h"
#include "image/registry/credentials.h"
#include "image/registry/http.h"

namespace strata::image {

// All members may be called from any thread.
class Authorizer {
 public:
  // `host` is the registry's, for messages. `secure` means that passwords and tokens may travel by https only.
  Authorizer(std::string host, bool secure, std::optional<Credentials> credentials)
      : host_(std::move(host)), secure_(secure), credentials_(std::move(credentials)) {}

  // The header's value for a scope such as "repository:team/app:pull"; empty where nothing was asked for so far. May
  // fetch a token, through `client`.
  [[nodiscard]] tl::expected<std::string, HttpError> authorization(HttpClient& client, const std::string& scope);

  // Takes an answer 401 to a request that had the header `used`. After this another try makes sense; where it does not,
  // the error says what the user can do.
  [[nodiscard]] Result<void> refused(const HttpResponse& response, const std::string& scope, const std::string& used);

  // What the user is told when access is denied for good.
  [[nodiscard]] tl::unexpected<Error> no_access(const std::string& scope) const;

 private:
  struct Token {
    std::string value;
    std::chrono::steady_clock::time_point expires;
  };

  tl::expected<Token, HttpError> fetch_token(HttpClient& client, const std::string& scope) const;
  static Result<Token> read_token(std::string_view body);
  HttpRequest token_request(const std::string& scope) const;
  Result<void> check_realm(const std::string& realm) const;

  const std::string host_;
  const bool secure_;
  const std::optional<Credentials> credentials_;
  std::mutex mutex_;  // held while a token is fetched, so that others wait for it
  std::optional<Challenge> challenge_;
  std::map<std::string, Token> tokens_;  // by scope
};

}  // namespace strata::image
