// Downloading blobs, with ranges (distribution specification 1.1, "Pulling blobs"; RFC 9110, section 14).
#include "image/registry/download.h"

#include <poll.h>

#include <algorithm>
#include <charconv>

namespace strata::image {
namespace {

constexpr int other_writer_poll_ms = 100;

// Where an answer's bytes belong: 206 says it, 200 is all of it.
Result<std::uint64_t> begin_of(const HttpResponse& head) {
  if (head.status != 206) return 0;
  std::string_view range = head.header("content-range").value_or("");
  constexpr std::string_view unit = "bytes ";
  std::uint64_t begin = 0;
  if (range.starts_with(unit)) range.remove_prefix(unit.size());
  const auto [end, error] = std::from_chars(range.data(), range.data() + range.size(), begin);
  if (error != std::errc()) return fail(ErrorCode::bad_data, "a part without Content-Range");
  return begin;
}

class Download {
 public:
  Download(RegistryClient& client, const Descriptor& descriptor, ArrivingBlob& blob,
           std::atomic<std::uint64_t>& arrived)
      : client_(client), descriptor_(descriptor), blob_(blob), arrived_(arrived), retries_(client.host().retries()) {}

  // Until all bytes are there.
  Result<void> fetch() {
    while (blob_.offset() < blob_.size()) {
      const std::uint64_t before = blob_.offset();
      const HttpResponse answer = STRATA_TRY(client_.send([this] { return request(); }, sink(), retries_));
      if (answer.status == 404)
        return fail(ErrorCode::not_found, "the registry has lost it: push the image there again ({})",
                    words_of(answer));
      if (answer.status == 416)  // a range that begins behind the end of what it has
        return fail(ErrorCode::bad_data, "the registry has {} bytes of it, {} are promised", before, blob_.size());
      if (answer.status / 100 != 2) return fail("{}", words_of(answer));
      if (blob_.offset() < blob_.size())
        STRATA_TRY(retries_.wait({ErrorCode::bad_data, fmt::format("the registry sent {} bytes of it, {} are promised",
                                                                   blob_.offset(), blob_.size())}));
    }
    return {};
  }

 private:
  HttpRequest request() const {
    HttpRequest request{.url = client_.host().url("blobs/" + descriptor_.digest.text())};
    if (blob_.offset() > 0) request.headers.push_back(fmt::format("Range: bytes={}-", blob_.offset()));
    first_piece_ = true;
    return request;
  }

  BodySink sink() {
    return [this](const HttpResponse& head, std::string_view bytes) -> Result<void> {
      if (first_piece_) STRATA_TRY(begin_piece(head));
      first_piece_ = false;
      STRATA_TRY(blob_.write(bytes));
      arrived_ += bytes.size();
      // What comes a second time is no progress.
      if (blob_.offset() > furthest_) retries_.progressed(blob_.offset() - furthest_);
      furthest_ = std::max(furthest_, blob_.offset());
      return {};
    };
  }

  Result<void> begin_piece(const HttpResponse& head) {
    const std::uint64_t begin = STRATA_TRY(begin_of(head));
    if (begin == blob_.offset()) return {};
    if (begin != 0) return fail(ErrorCode::bad_data, "another part than was asked for");
    arrived_ -= blob_.offset();
    return blob_.restart();
  }

  RegistryClient& client_;
  const Descriptor& descriptor_;
  ArrivingBlob& blob_;
  std::atomic<std::uint64_t>& arrived_;
  Retries retries_;
  std::uint64_t furthest_ = 0;
  mutable bool first_piece_ = true;  // of the answer to the request made last
};

}  // namespace

Result<std::optional<BlobWriter>> begin_blob(const BlobStore& store, const Descriptor& descriptor,
                                             const std::vector<int>& cancel_fds) {
  std::vector<pollfd> fds;
  for (const int fd : cancel_fds) fds.push_back({fd, POLLIN, 0});
  while (true) {
    auto writer = store.try_begin(descriptor.digest, descriptor.size);
    if (writer || writer.error().code != ErrorCode::busy) return writer;
    if (::poll(fds.data(), fds.size(), other_writer_poll_ms) > 0) return fail(ErrorCode::cancelled, "cancelled");
  }
}

Result<void> download(RegistryClient& client, const Descriptor& descriptor, ArrivingBlob& blob,
                      std::atomic<std::uint64_t>& arrived) {
  arrived += blob.offset();
  Download one(client, descriptor, blob, arrived);
  STRATA_TRY(with_context(one.fetch(), "{}", descriptor.digest.text()));
  return blob.commit();
}

}  // namespace strata::image
