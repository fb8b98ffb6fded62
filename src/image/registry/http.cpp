// Requests through libcurl's multi interface, which lets a request wait for cancellation besides the network.
#include "image/registry/http.h"

#include <curl/curl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "image/registry/reference.h"

namespace strata::image {
namespace {

constexpr long slowest_bytes_per_second = 1000;
constexpr std::size_t error_body_limit = std::size_t{1} << 20;  // of answers that are no success

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
using Headers = std::unique_ptr<curl_slist, Freed<curl_slist_free_all>>;
using Url = std::unique_ptr<CURLU, Freed<curl_url_cleanup>>;

// One request while it runs: what libcurl's callbacks get.
struct Transfer {
  const HttpRequest& request;
  const BodySink& sink;
  CURL* curl;
  HttpResponse response = {};
  std::optional<Error> refused = {};  // by the sink, or by us
  std::uint64_t sent = 0;
};

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), [](unsigned char c) { return std::tolower(c); });
  return result;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

std::size_t on_header(char* data, std::size_t, std::size_t size, void* user) {
  Transfer& transfer = *static_cast<Transfer*>(user);
  const std::string_view line(data, size);
  if (line.starts_with("HTTP/")) {  // also of a second head, after one of 1xx
    transfer.response.headers.clear();
    return size;
  }
  if (const std::size_t colon = line.find(':'); colon != std::string_view::npos)
    transfer.response.headers.emplace_back(lower(line.substr(0, colon)), trimmed(line.substr(colon + 1)));
  return size;
}

std::size_t on_body(char* data, std::size_t, std::size_t size, void* user) {
  Transfer& transfer = *static_cast<Transfer*>(user);
  HttpResponse& response = transfer.response;
  long status = 0;
  curl_easy_getinfo(transfer.curl, CURLINFO_RESPONSE_CODE, &status);
  response.status = static_cast<int>(status);
  const bool success = status / 100 == 2;
  if (success && transfer.sink) {
    if (auto taken = transfer.sink(response, {data, size}); !taken) transfer.refused = std::move(taken.error());
  } else if (const std::size_t limit = success ? transfer.request.limit : error_body_limit;
             response.body.size() + size <= limit) {
    response.body.append(data, size);
  } else {
    transfer.refused = Error{ErrorCode::bad_data, fmt::format("the answer has more than {} bytes", limit)};
  }
  return transfer.refused ? CURL_WRITEFUNC_ERROR : size;
}

std::size_t on_read(char* data, std::size_t, std::size_t size, void* user) {
  Transfer& transfer = *static_cast<Transfer*>(user);
  const HttpRequest& request = transfer.request;
  const std::uint64_t total = request.body_file >= 0 ? request.body_size : request.body.size();
  size = static_cast<std::size_t>(std::min<std::uint64_t>(size, total - transfer.sent));
  if (request.body_file < 0) {
    std::copy_n(request.body.data() + transfer.sent, size, data);
  } else if (size > 0) {
    const ssize_t got = ::pread(request.body_file, data, size, static_cast<off_t>(request.body_offset + transfer.sent));
    if (got <= 0) {
      transfer.refused = got < 0 ? error_from_errno(errno).context("reading what to send")
                                 : Error{ErrorCode::bad_data, "the file to send is shorter than it should be"};
      return CURL_READFUNC_ABORT;
    }
    size = static_cast<std::size_t>(got);
  }
  transfer.sent += size;
  if (request.on_sent) request.on_sent(size);
  return size;
}

HttpError error_of(CURLcode code, const char* detail, const HttpOptions& options) {
  using Kind = HttpError::Kind;
  const std::string words = *detail != '\0' ? detail : curl_easy_strerror(code);
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return {Kind::passing,
              {ErrorCode::io,
               fmt::format("no answer, or less than a kilobyte a second, for {} s", options.patience.count())}};
    case CURLE_COULDNT_CONNECT: return {Kind::refused, {ErrorCode::io, words}};
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_SEND_FAIL_REWIND:
    case CURLE_WEIRD_SERVER_REPLY: return {Kind::passing, {ErrorCode::io, words}};
    case CURLE_COULDNT_RESOLVE_HOST:
      return {Kind::lasting, {ErrorCode::not_found, words + ": is the name right, and is there a network?"}};
    case CURLE_SSL_CONNECT_ERROR: return {Kind::no_tls, {ErrorCode::io, words}};
    case CURLE_PEER_FAILED_VERIFICATION:
      return {Kind::lasting,
              {ErrorCode::permission_denied,
               fmt::format("the certificate is not trusted ({}): --ca FILE trusts the one who signed it", words)}};
    case CURLE_SSL_CACERT_BADFILE:
      return {Kind::lasting,
              {ErrorCode::usage, fmt::format("--ca {}: no certificates in PEM form there", options.ca_file)}};
    default: return {Kind::lasting, {ErrorCode::failed, words}};
  }
}

bool has_body(const HttpRequest& request) {
  return request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
}

Headers headers_of(const HttpRequest& request) {
  Headers list;
  const auto add = [&list](const char* line) { list.reset(curl_slist_append(list.release(), line)); };
  for (const std::string& line : request.headers) add(line.c_str());
  // Waiting for "100 Continue" costs a second with servers that do not know it, and curl adds a type of its own.
  add("Expect:");
  if (has_body(request) && std::none_of(request.headers.begin(), request.headers.end(),
                                        [](const std::string& line) { return line.starts_with("Content-Type:"); }))
    add("Content-Type: application/octet-stream");
  return list;
}

void set_request(CURL* curl, Transfer& transfer) {
  const HttpRequest& request = transfer.request;
  curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
  if (request.method == "HEAD") curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
  if (has_body(request)) {
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(curl, CURLOPT_READDATA, &transfer);
    // No way to rewind: libcurl would send a body again on a fresh connection, after a part that the server has kept.
    const std::uint64_t size = request.body_file >= 0 ? request.body_size : request.body.size();
    curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(size));
  }
  curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
}

void set_options(CURL* curl, const HttpOptions& options, const std::string& url) {
  const auto patience = static_cast<long>(options.patience.count());
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  // One connection a client: HTTP/2 would only add its own flow control.
  curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "strata");
  curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, 256L << 10);
  curl_easy_setopt(curl, CURLOPT_UPLOAD_BUFFERSIZE, 256L << 10);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, patience);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, slowest_bytes_per_second);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, patience);
  if (!options.ca_file.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, options.ca_file.c_str());
  if (!options.verify) {
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
  }
  const std::size_t host = url.find("://");
  if (host != std::string::npos &&
      is_loopback(std::string_view(url).substr(host + 3, url.find('/', host + 3) - host - 3)))
    curl_easy_setopt(curl, CURLOPT_PROXY, "");  // a proxy's own loopback is never meant
}

}  // namespace

struct HttpClient::Handles {
  std::unique_ptr<CURLM, Freed<curl_multi_cleanup>> multi{curl_multi_init()};
  std::unique_ptr<CURL, Freed<curl_easy_cleanup>> easy{curl_easy_init()};
  std::array<char, CURL_ERROR_SIZE> detail{};

  // Drives the one request that is in `multi` to its end; nothing if it was cancelled.
  std::optional<CURLcode> run(const std::vector<int>& cancel_fds);
};

std::optional<CURLcode> HttpClient::Handles::run(const std::vector<int>& cancel_fds) {
  std::vector<curl_waitfd> extra;
  for (const int fd : cancel_fds) extra.push_back({fd, CURL_WAIT_POLLIN, 0});
  std::vector<pollfd> cancel;
  for (const int fd : cancel_fds) cancel.push_back({fd, POLLIN, 0});
  int running = 1;
  while (true) {
    if (::poll(cancel.data(), cancel.size(), 0) > 0) return std::nullopt;
    if (curl_multi_perform(multi.get(), &running) != CURLM_OK) return CURLE_FAILED_INIT;
    int left = 0;
    if (const CURLMsg* message = curl_multi_info_read(multi.get(), &left); message != nullptr)
      return message->data.result;
    if (curl_multi_poll(multi.get(), extra.data(), static_cast<unsigned>(extra.size()), 1000, nullptr) != CURLM_OK)
      return CURLE_FAILED_INIT;
  }
}

HttpClient::HttpClient(HttpOptions options) : options_(std::move(options)) {
  static const CURLcode once = curl_global_init(CURL_GLOBAL_DEFAULT);  // is not safe from several threads at once
  static_cast<void>(once);
  handles_ = std::make_unique<Handles>();
}
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient::~HttpClient() = default;

HttpResult HttpClient::perform(const HttpRequest& request, const BodySink& sink) {
  CURL* curl = handles_->easy.get();
  CURLM* multi = handles_->multi.get();
  if (curl == nullptr || multi == nullptr)
    return tl::unexpected(HttpError{HttpError::Kind::lasting, {ErrorCode::failed, "libcurl cannot start"}});
  curl_easy_reset(curl);  // keeps its connections
  handles_->detail[0] = '\0';
  Transfer transfer{request, sink, curl};
  const Headers headers = headers_of(request);
  set_options(curl, options_, request.url);
  set_request(curl, transfer);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, handles_->detail.data());

  curl_multi_add_handle(multi, curl);
  const std::optional<CURLcode> code = handles_->run(options_.cancel_fds);
  curl_multi_remove_handle(multi, curl);

  const auto lasting = [](Error error) {
    return tl::unexpected(HttpError{HttpError::Kind::lasting, std::move(error)});
  };
  if (!code) return lasting({ErrorCode::cancelled, "cancelled"});
  if (transfer.refused) return lasting(std::move(*transfer.refused));
  if (*code != CURLE_OK) return tl::unexpected(error_of(*code, handles_->detail.data(), options_));
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  transfer.response.status = static_cast<int>(status);
  return std::move(transfer.response);
}

std::optional<std::string_view> HttpResponse::header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (key == name) return value;
  return std::nullopt;
}

std::optional<std::uint64_t> HttpResponse::number(std::string_view name) const {
  const auto text = header(name);
  if (!text) return std::nullopt;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size()) return std::nullopt;
  return value;
}

Result<std::string> resolve_url(std::string_view base, std::string_view location) {
  const Url url(curl_url());
  char* text = nullptr;
  const bool good = curl_url_set(url.get(), CURLUPART_URL, std::string(base).c_str(), 0) == CURLUE_OK &&
                    curl_url_set(url.get(), CURLUPART_URL, std::string(location).c_str(), 0) == CURLUE_OK &&
                    curl_url_get(url.get(), CURLUPART_URL, &text, 0) == CURLUE_OK;
  if (!good) return fail(ErrorCode::bad_data, "'{}' is no address", location);
  std::string result(text);
  curl_free(text);
  return result;
}

Result<std::string> origin_of(std::string_view text) {
  const Url url(curl_url());
  std::string origin;
  bool good = curl_url_set(url.get(), CURLUPART_URL, std::string(text).c_str(), 0) == CURLUE_OK;
  for (const CURLUPart part : {CURLUPART_SCHEME, CURLUPART_HOST, CURLUPART_PORT}) {
    char* value = nullptr;
    good = good && curl_url_get(url.get(), part, &value, CURLU_DEFAULT_PORT) == CURLUE_OK;
    if (!good) return fail(ErrorCode::bad_data, "'{}' is no address", text);
    origin += (part == CURLUPART_SCHEME ? "" : part == CURLUPART_HOST ? "://" : ":") + lower(value);
    curl_free(value);
  }
  return origin;
}

std::string url_escape(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const bool plain =
        std::isalnum(static_cast<unsigned char>(c)) != 0 || std::string_view("-._~").find(c) != std::string_view::npos;
    plain ? result.push_back(c) : static_cast<void>(result += fmt::format("%{:02X}", static_cast<unsigned char>(c)));
  }
  return result;
}

}  // namespace strata::image
