// Basic and token authentication. Tokens follow the distribution project's "Token Authentication Specification", and
// "OAuth2 Token Authentication" where the user has an identity token.
#include "image/registry/authorizer.h"

#include <algorithm>

#include "base/json_reader.h"

namespace strata::image {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t token_limit = std::size_t{1} << 20;
constexpr int default_lifetime = 60;  // of a token, in seconds, where the answer does not say; the specification's
constexpr int longest_lifetime = 24 * 3600;
// A token is not begun with when it is about to end.
constexpr std::chrono::seconds margin{5};

std::string without_query(const std::string& url) { return url.substr(0, url.find('?')); }

}  // namespace

tl::expected<std::string, HttpError> Authorizer::authorization(HttpClient& client, const std::string& scope) {
  const std::scoped_lock lock(mutex_);
  if (!challenge_) return std::string();
  if (challenge_->scheme == "basic") return basic_authorization(*credentials_);
  auto found = tokens_.find(scope);
  if (found == tokens_.end() || found->second.expires < Clock::now()) {
    const std::string realm = without_query(challenge_->parameter("realm"));
    auto token = fetch_token(client, scope);
    if (!token) {
      HttpError& failure = token.error();
      failure.error = std::move(failure.error).context("getting a token from {}", realm);
      // That is about the registry, and this is another server.
      if (failure.kind == HttpError::Kind::no_tls) failure.kind = HttpError::Kind::lasting;
      return tl::unexpected(std::move(failure));
    }
    found = tokens_.insert_or_assign(scope, std::move(*token)).first;
  }
  return "Bearer " + found->second.value;
}

Result<void> Authorizer::refused(const HttpResponse& response, const std::string& scope, const std::string& used) {
  std::vector<Challenge> challenges;
  for (const auto& [name, value] : response.headers) {
    if (name != "www-authenticate") continue;
    for (Challenge& one : parse_challenges(value)) challenges.push_back(std::move(one));
  }
  const auto by_scheme = [&challenges](std::string_view scheme) {
    return std::find_if(challenges.begin(), challenges.end(),
                        [&](const Challenge& one) { return one.scheme == scheme; });
  };
  auto chosen = by_scheme("bearer");
  if (chosen == challenges.end()) chosen = by_scheme("basic");
  if (chosen == challenges.end())
    return fail(ErrorCode::bad_data, "{} answers 401 (unauthorized) and does not say which authentication it wants",
                host_);

  const std::scoped_lock lock(mutex_);
  if (chosen->scheme == "bearer") {
    STRATA_TRY(check_realm(chosen->parameter("realm")));
    // A token that has just been fetched is refused for good; one that others have replaced meanwhile is not ours.
    if (const auto held = tokens_.find(scope); held != tokens_.end() && used == "Bearer " + held->second.value)
      tokens_.erase(held);
  } else if (!credentials_ || credentials_->user.empty() || used == basic_authorization(*credentials_)) {
    return no_access(scope);
  }
  challenge_ = std::move(*chosen);
  return {};
}

tl::unexpected<Error> Authorizer::no_access(const std::string& scopes) const {
  const std::string scope = scopes.substr(0, scopes.find(' '));  // those after it are for mounts
  if (!credentials_)
    return fail(ErrorCode::permission_denied,
                "{} gives no access to {} without an account: check the name, or add --creds USER:PASSWORD", host_,
                scope);
  return fail(ErrorCode::permission_denied, "{} refuses access to {} as {}: is the password right?", host_, scope,
              credentials_->user.empty() ? "the owner of the token" : credentials_->user);
}

Result<void> Authorizer::check_realm(const std::string& realm) const {
  const auto origin = origin_of(realm);
  if (!origin || realm.empty())
    return fail(ErrorCode::bad_data, "{} names a server of tokens that is no address: '{}'", host_, realm);
  const bool https = origin->starts_with("https://");
  if (!https && (secure_ || !origin->starts_with("http://")))
    return fail(ErrorCode::bad_data, "{} wants passwords to be sent to {}, which is not https: refused", host_,
                *origin);
  return {};
}

HttpRequest Authorizer::token_request(const std::string& scope) const {
  const std::string realm = challenge_->parameter("realm");
  const std::string service = url_escape(challenge_->parameter("service"));
  HttpRequest request;
  request.limit = token_limit;
  std::string scopes;
  // Several scopes are written as one with blanks between.
  for (std::size_t begin = 0; begin < scope.size();) {
    const std::size_t end = std::min(scope.find(' ', begin), scope.size());
    scopes += "&scope=" + url_escape(std::string_view(scope).substr(begin, end - begin));
    begin = end + 1;
  }
  if (credentials_ && !credentials_->identity_token.empty()) {
    request.method = "POST";
    request.url = realm;
    request.headers = {"Content-Type: application/x-www-form-urlencoded"};
    request.body = fmt::format("grant_type=refresh_token&client_id=strata&service={}&scope={}&refresh_token={}",
                               service, url_escape(scope), url_escape(credentials_->identity_token));
    return request;
  }
  request.url =
      fmt::format("{}{}service={}{}", realm, realm.find('?') == std::string::npos ? '?' : '&', service, scopes);
  if (credentials_) request.headers = {"Authorization: " + basic_authorization(*credentials_)};
  return request;
}

tl::expected<Authorizer::Token, HttpError> Authorizer::fetch_token(HttpClient& client, const std::string& scope) const {
  using Kind = HttpError::Kind;
  auto answered = client.perform(token_request(scope));
  if (!answered) return tl::unexpected(std::move(answered.error()));
  const int status = answered->status;
  if (status == 401 || status == 403) return tl::unexpected(HttpError{Kind::lasting, no_access(scope).value()});
  if (status != 200)
    return tl::unexpected(HttpError{status >= 500 || status == 429 ? Kind::passing : Kind::lasting,
                                    {ErrorCode::failed, fmt::format("the answer is {}", status)}});
  auto token = read_token(answered->body);
  if (!token) return tl::unexpected(HttpError{Kind::lasting, std::move(token.error())});
  return std::move(*token);
}

Result<Authorizer::Token> Authorizer::read_token(std::string_view body) {
  const auto json = nlohmann::json::parse(body, nullptr, /*allow_exceptions=*/false);
  JsonProblem problem;
  const JsonReader root(&json, "", problem);
  std::string value = root["token"].text();
  if (value.empty()) value = root["access_token"].text();
  const int seconds = root["expires_in"] ? root["expires_in"].number<int>() : default_lifetime;
  const bool printable = std::all_of(value.begin(), value.end(), [](char c) { return c > ' ' && c < 127; });
  if (!problem.result() || value.empty() || !printable) return fail(ErrorCode::bad_data, "the answer has no token");
  const std::chrono::seconds lifetime(std::clamp(seconds, default_lifetime, longest_lifetime));
  return Token{std::move(value), Clock::now() + lifetime - margin};
}

}  // namespace strata::image
