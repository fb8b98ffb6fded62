// Uploading blobs (distribution specification 1.1, "Pushing blobs"): as a whole, and after a cut the rest as a chunk.
#include "image/registry/upload.h"

#include "base/unique_fd.h"

#include <fcntl.h>

#include <charconv>

namespace strata::image {
namespace {

// An upload session of the registry.
struct Session {
  std::string location;
  std::uint64_t offset = 0;  // bytes that the registry has
};

// "0-1023" is 1024 bytes; "bytes=0-1023" is seen too. "0-0" is nothing, as it is said before the first byte.
std::uint64_t bytes_in(std::string_view range) {
  const std::size_t dash = range.find('-');
  std::uint64_t last = 0;
  if (dash == std::string_view::npos) return 0;
  const std::string_view number = range.substr(dash + 1);
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), last);
  return error == std::errc() && last > 0 && last < UINT64_MAX ? last + 1 : 0;
}

class Upload {
 public:
  Upload(RegistryClient& client, const Descriptor& descriptor, UniqueFd file, std::atomic<std::uint64_t>& sent)
      : client_(client),
        descriptor_(descriptor),
        file_(std::move(file)),
        sent_(sent),
        retries_(client.host().retries()) {}

  // True if the registry took the blob from the other repository.
  Result<bool> begin(const std::optional<std::string>& mount_from) {
    std::string path = "blobs/uploads/";
    if (mount_from)
      path += fmt::format("?mount={}&from={}", url_escape(descriptor_.digest.text()), url_escape(*mount_from));
    HttpRequest request{.method = "POST", .url = client_.host().url(path)};
    const HttpResponse answer = STRATA_TRY(client_.send(request));
    if (answer.status == 201 && mount_from) return true;
    if (answer.status != 202) return fail("the registry takes no upload: {}", words_of(answer));
    STRATA_TRY(move_to(request.url, answer));
    session_.offset = 0;
    return false;
  }

  Result<void> send_all() {
    while (true) {
      auto answer = session_.offset == 0 ? put_whole() : put_rest();
      if (answer && answer->status == 201) return {};
      const bool lost = answer && (answer->status == 404 || answer->status == 416);
      if (answer && !lost && answer->status / 100 != 5 && answer->status != 429)
        return fail("the registry does not take it: {}", words_of(*answer));
      if (!answer && answer.error().kind == HttpError::Kind::lasting) return tl::unexpected(answer.error().error);
      STRATA_TRY(retries_.wait(answer ? Error{ErrorCode::failed, words_of(*answer)} : answer.error().error));
      STRATA_TRY(find_out());
    }
  }

 private:
  Result<void> move_to(const std::string& base, const HttpResponse& answer) {
    const auto location = answer.header("location");
    if (!location) return fail(ErrorCode::bad_data, "the registry does not say where to send it");
    session_.location = STRATA_TRY(resolve_url(base, *location));
    return {};
  }

  HttpRequest request(const char* method, std::uint64_t offset, bool closing) const {
    HttpRequest request{.method = method, .url = session_.location};
    if (closing)
      request.url += fmt::format("{}digest={}", request.url.find('?') == std::string::npos ? '?' : '&',
                                 url_escape(descriptor_.digest.text()));
    request.body_file = file_.get();
    request.body_offset = offset;
    request.body_size = descriptor_.size - offset;
    request.on_sent = [this](std::uint64_t bytes) { sent_ += bytes; };
    return request;
  }

  HttpResult put_whole() { return client_.once(request("PUT", 0, true)); }

  HttpResult put_rest() {
    if (session_.offset == descriptor_.size) return client_.once(request("PUT", descriptor_.size, true));
    HttpRequest chunk = request("PATCH", session_.offset, false);
    chunk.headers.push_back(fmt::format("Content-Range: {}-{}", session_.offset, descriptor_.size - 1));
    auto answer = client_.once(chunk);
    if (!answer || answer->status != 202) return answer;
    if (auto moved = move_to(chunk.url, *answer); !moved)
      return tl::unexpected(HttpError{HttpError::Kind::lasting, std::move(moved.error())});
    return client_.once(request("PUT", descriptor_.size, true));
  }

  // After a failure: how much the registry has, or a new session where it has forgotten this one.
  Result<void> find_out() {
    const HttpRequest request{.url = session_.location};
    const HttpResponse answer = STRATA_TRY(client_.send(request));
    if (answer.status != 204) return begin({}).map([](bool) {});
    const std::uint64_t has = bytes_in(answer.header("range").value_or(""));
    if (has > descriptor_.size) return begin({}).map([](bool) {});
    if (has > session_.offset) retries_.progressed(has - session_.offset);
    session_.offset = has;
    sent_ = has;
    return answer.header("location") ? move_to(request.url, answer) : Result<void>();
  }

  RegistryClient& client_;
  const Descriptor& descriptor_;
  UniqueFd file_;
  std::atomic<std::uint64_t>& sent_;
  Retries retries_;
  Session session_;
};

}  // namespace

Result<UploadWay> upload(RegistryClient& client, const BlobStore& store, const Descriptor& descriptor,
                         const std::optional<std::string>& mount_from, std::atomic<std::uint64_t>& sent) {
  const std::string digest = descriptor.digest.text();
  const HttpRequest head{.method = "HEAD", .url = client.host().url("blobs/" + digest)};
  const HttpResponse there = STRATA_TRY(with_context(client.send(head), "{}", digest));
  if (there.status == 200) return UploadWay::there_already;
  UniqueFd file(::open(store.path(descriptor.digest).c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return fail_errno("reading {}", digest);
  Upload one(client, descriptor, std::move(file), sent);
  if (STRATA_TRY(with_context(one.begin(mount_from), "{}", digest))) return UploadWay::mounted;
  STRATA_TRY(with_context(one.send_all(), "{}", digest));
  return UploadWay::sent;
}

}  // namespace strata::image
