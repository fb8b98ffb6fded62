// RegistryHost: a registry that answers, and how it wants to be asked. RegistryClient: one thread's way to ask it.
#pragma once

#include "base/result.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "image/registry/authorizer.h"
#include "image/registry/credentials.h"
#include "image/registry/http.h"
#include "image/registry/reference.h"
#include "image/registry/retries.h"

namespace strata::image {

struct RegistryOptions {
  std::optional<Credentials> credentials = {};  // none: find_credentials()
  std::string ca_file = {};                     // PEM certificates to trust besides the host's own
  bool insecure = false;                        // any certificate will do, and plain HTTP too
  std::chrono::seconds patience{60};            // with a registry that sends nothing
  int retries = 4;
  std::vector<int> cancel_fds = {};  // when one becomes readable, all ends with the error `cancelled`
};

class RegistryHost {
 public:
  // Finds out whether it speaks TLS, and what authentication it wants. Plain HTTP is for registries of this machine, and
  // for others if the options say so. `actions` is what will be done in the repository: "pull" or "pull,push".
  [[nodiscard]] static Result<std::unique_ptr<RegistryHost>> connect(const Reference& reference,
                                                                     const RegistryOptions& options,
                                                                     const std::string& actions,
                                                                     const std::string& more_scopes = {});

  // The address of something in the repository: url("blobs/uploads/").
  [[nodiscard]] std::string url(std::string_view path) const;
  [[nodiscard]] const Reference& reference() const { return reference_; }
  [[nodiscard]] const std::string& origin() const { return origin_; }
  [[nodiscard]] const std::string& scope() const { return scope_; }
  [[nodiscard]] const HttpOptions& http() const { return http_; }
  [[nodiscard]] Authorizer& authorizer() { return *authorizer_; }
  [[nodiscard]] Retries retries() const { return {retries_, http_.cancel_fds}; }

 private:
  RegistryHost() = default;
  void use(const std::string& scheme, std::optional<Credentials> credentials);
  Result<void> greet(bool plain_allowed, const std::optional<Credentials>& credentials);

  Reference reference_;
  std::string scope_;
  HttpOptions http_;
  int retries_ = 0;
  std::string base_;    // https://host/v2/
  std::string origin_;  // of base_
  std::unique_ptr<Authorizer> authorizer_;
};

// For one thread; the host outlives it.
class RegistryClient {
 public:
  // `more_scopes` is what tokens have to allow besides the host's repository.
  explicit RegistryClient(RegistryHost& host) : host_(&host), http_(host.http()) {}

  // Authenticates, follows redirects (a token is shown to the registry alone), and tries again what may pass. `make` is
  // asked anew for each try. Gives an answer of any status but those that were tried in vain, 401 and 403.
  [[nodiscard]] Result<HttpResponse> send(const std::function<HttpRequest()>& make, const BodySink& sink,
                                          Retries& retries);
  [[nodiscard]] Result<HttpResponse> send(const HttpRequest& request, const BodySink& sink = {});

  [[nodiscard]] RegistryHost& host() { return *host_; }

  // One try, with authentication and redirects.
  [[nodiscard]] HttpResult once(HttpRequest request, const BodySink& sink = {});

 private:
  HttpResult authorized(HttpRequest request, const BodySink& sink);

  RegistryHost* host_;
  HttpClient http_;
};

// What a registry says in the body of an answer that is no success (distribution specification, "Error Codes"), else the
// status: for messages.
[[nodiscard]] std::string words_of(const HttpResponse& response);

}  // namespace strata::image
