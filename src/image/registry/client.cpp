// Asking registries: TLS or not, redirects, authentication, retries.
#include "image/registry/client.h"

#include <curl/curl.h>

#include <algorithm>
#include <ctime>

#include "base/json_reader.h"

namespace strata::image {
namespace {

constexpr int most_redirects = 10;
constexpr std::size_t longest_words = 200;

tl::unexpected<HttpError> lasting(Error error) {
  return tl::unexpected(HttpError{HttpError::Kind::lasting, std::move(error)});
}

bool may_pass(int status) {
  return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

// Seconds, or a date (RFC 9110, section 10.2.3).
std::optional<std::chrono::seconds> retry_after(const HttpResponse& response) {
  const auto text = response.header("retry-after");
  if (!text) return std::nullopt;
  constexpr std::uint64_t most = 24 * 3600;
  if (const auto seconds = response.number("retry-after")) return std::chrono::seconds(std::min(*seconds, most));
  const time_t date = curl_getdate(std::string(*text).c_str(), nullptr);
  if (date < 0) return std::nullopt;
  return std::chrono::seconds(std::clamp<time_t>(date - ::time(nullptr), 0, most));
}

bool is_redirect(const HttpRequest& request, const HttpResponse& response) {
  const bool reads = request.method == "GET" || request.method == "HEAD";
  const int status = response.status;
  const bool any = status == 307 || status == 308;
  return response.header("location") && (any || (reads && (status == 301 || status == 302 || status == 303)));
}

}  // namespace

std::string words_of(const HttpResponse& response) {
  const auto json = nlohmann::json::parse(response.body, nullptr, /*allow_exceptions=*/false);
  JsonProblem problem;
  std::string words;
  JsonReader(&json, "", problem)["errors"].each([&words](const JsonReader& error) {
    if (!words.empty()) return;
    words = error["message"].text();
    if (words.empty()) words = error["code"].text();
  });
  // These are a stranger's words, shown on a terminal.
  std::erase_if(words, [](unsigned char c) { return c < ' ' || c >= 127; });
  words.resize(std::min(words.size(), longest_words));
  return words.empty() ? fmt::format("the answer is {}", response.status)
                       : fmt::format("{} ({})", words, response.status);
}

void RegistryHost::use(const std::string& scheme, std::optional<Credentials> credentials) {
  const std::string host = host_of(reference_.registry);
  base_ = fmt::format("{}://{}/v2/", scheme, host);
  origin_ = origin_of(base_).value_or(base_);
  authorizer_ = std::make_unique<Authorizer>(host, scheme == "https", std::move(credentials));
}

Result<std::unique_ptr<RegistryHost>> RegistryHost::connect(const Reference& reference, const RegistryOptions& options,
                                                            const std::string& actions,
                                                            const std::string& more_scopes) {
  std::unique_ptr<RegistryHost> host(new RegistryHost);
  host->reference_ = reference;
  host->scope_ = fmt::format("repository:{}:{}", reference.repository, actions);
  if (!more_scopes.empty()) host->scope_ += " " + more_scopes;
  host->http_ = {options.ca_file, !options.insecure, options.patience, options.cancel_fds};
  host->retries_ = options.retries;
  auto credentials = options.credentials;
  if (!credentials) credentials = STRATA_TRY(find_credentials(reference.registry, reference.repository));
  STRATA_TRY(host->greet(options.insecure || is_loopback(reference.registry), credentials));
  return host;
}

Result<void> RegistryHost::greet(bool plain_allowed, const std::optional<Credentials>& credentials) {
  use("https", credentials);
  Retries tries = retries();
  while (true) {
    RegistryClient client(*this);
    auto answer = client.once({.url = base_});
    if (answer && answer->status == 200) return {};
    const std::string host = host_of(reference_.registry);
    if (answer && !may_pass(answer->status))
      return fail("{} does not answer as a registry does: {}", host, words_of(*answer));
    using Kind = HttpError::Kind;
    const Kind kind = answer ? Kind::passing : answer.error().kind;
    if (plain_allowed && base_.starts_with("https:") && (kind == Kind::no_tls || kind == Kind::refused)) {
      use("http", credentials);
      continue;
    }
    Error error = answer ? Error{ErrorCode::failed, words_of(*answer)} : std::move(answer.error().error);
    if (error.code == ErrorCode::cancelled) return tl::unexpected(std::move(error));
    if (kind == Kind::no_tls) error = std::move(error).context("it does not speak TLS (--insecure allows plain HTTP)");
    if (kind == Kind::refused) error.message += ": is the registry running there?";
    error = std::move(error).context("{}", host);
    // Nobody there is mostly a wrong name, which waiting does not cure.
    if (kind != Kind::passing) return tl::unexpected(std::move(error));
    STRATA_TRY(tries.wait(std::move(error), answer ? retry_after(*answer) : std::nullopt));
  }
}

std::string RegistryHost::url(std::string_view path) const {
  return fmt::format("{}{}/{}", base_, reference_.repository, path);
}

HttpResult RegistryClient::once(HttpRequest request, const BodySink& sink) {
  for (int redirects = 0; redirects <= most_redirects; ++redirects) {
    auto answer = authorized(request, sink);
    if (!answer || !is_redirect(request, *answer)) return answer;
    auto next = resolve_url(request.url, *answer->header("location"));
    if (!next) return lasting(std::move(next.error()).context("a redirect"));
    const auto target = origin_of(*next);
    if (!target ||
        !(target->starts_with("https://") || (target->starts_with("http://") && request.url.starts_with("http:"))))
      return lasting({ErrorCode::bad_data, fmt::format("a redirect away from https, to {}: refused", *next)});
    request.url = std::move(*next);
  }
  return lasting({ErrorCode::bad_data, fmt::format("redirects in circles: {} of them", most_redirects)});
}

HttpResult RegistryClient::authorized(HttpRequest request, const BodySink& sink) {
  const auto target = origin_of(request.url);
  if (!target || *target != host_->origin()) return http_.perform(request, sink);
  Authorizer& authorizer = host_->authorizer();
  const std::size_t plain_headers = request.headers.size();
  for (int attempt = 0;; ++attempt) {
    const auto authorization = authorizer.authorization(http_, host_->scope());
    if (!authorization) return tl::unexpected(authorization.error());
    request.headers.resize(plain_headers);
    if (!authorization->empty()) request.headers.push_back("Authorization: " + *authorization);
    auto answer = http_.perform(request, sink);
    if (!answer || (answer->status != 401 && answer->status != 403)) return answer;
    if (answer->status == 403 || attempt > 0) {
      Error error = authorizer.no_access(host_->scope()).value();
      error.message += fmt::format("; it says: {}", words_of(*answer));
      return lasting(std::move(error));
    }
    if (auto understood = authorizer.refused(*answer, host_->scope(), *authorization); !understood)
      return lasting(std::move(understood.error()));
  }
}

Result<HttpResponse> RegistryClient::send(const std::function<HttpRequest()>& make, const BodySink& sink,
                                          Retries& retries) {
  while (true) {
    auto answer = once(make(), sink);
    if (answer && !may_pass(answer->status)) return std::move(*answer);
    if (!answer && answer.error().kind == HttpError::Kind::lasting)
      return tl::unexpected(std::move(answer.error().error));
    Error why = answer ? Error{ErrorCode::failed, words_of(*answer)} : std::move(answer.error().error);
    STRATA_TRY(retries.wait(std::move(why), answer ? retry_after(*answer) : std::nullopt));
  }
}

Result<HttpResponse> RegistryClient::send(const HttpRequest& request, const BodySink& sink) {
  Retries retries = host_->retries();
  return send([&request] { return request; }, sink, retries);
}

}  // namespace strata::image
