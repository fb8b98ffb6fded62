// Blobs that are read while they arrive.
#include "image/registry/arriving_blob.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace strata::image {
namespace {

class FollowedBlob final : public ByteSource {
 public:
  FollowedBlob(std::filesystem::path partial, std::filesystem::path path, UniqueFd news)
      : partial_(std::move(partial)), path_(std::move(path)), news_(std::move(news)) {}

  Result<std::size_t> read(std::span<std::byte> into) override {
    while (true) {
      // If the download begins again, what has been read comes once more, and is waited for.
      const ssize_t got = file_ ? ::pread(file_.get(), into.data(), into.size(), position_) : 0;
      if (got < 0) return fail_errno("reading {}", path_.string());
      position_ += got;
      if (got > 0 || (verified_ && file_)) return static_cast<std::size_t>(got);
      if (!verified_) STRATA_TRY(hear());
      if (!file_) STRATA_TRY(open());
    }
  }

 private:
  Result<void> hear() {
    std::array<char, 256> words;
    const ssize_t count = ::recv(news_.get(), words.data(), words.size(), 0);
    if (count > 0 || (count < 0 && errno == EINTR)) return {};
    verified_ = ::access(path_.c_str(), F_OK) == 0;
    if (!verified_) return fail(ErrorCode::cancelled, "the download has failed");
    return {};
  }

  Result<void> open() {
    for (const auto& path : {path_, partial_, path_}) {  // it may get its name between the first two
      file_.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
      if (file_) return {};
    }
    return fail_errno("opening {}", path_.string());
  }

  const std::filesystem::path partial_;
  const std::filesystem::path path_;
  UniqueFd news_;
  UniqueFd file_;
  off_t position_ = 0;
  bool verified_ = false;
};

}  // namespace

Result<std::pair<ArrivalNews, UniqueFd>> ArrivalNews::make() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return fail_errno("making a socket");
  return std::pair(ArrivalNews(UniqueFd(ends[0])), UniqueFd(ends[1]));
}

// A reader with hundreds of unread words needs no more of them, and one who is gone needs none.
void ArrivalNews::more() const {
  const char word = 0;
  if (socket_) static_cast<void>(::send(socket_.get(), &word, 1, MSG_NOSIGNAL | MSG_DONTWAIT));
}

// Also where a forked child has a copy of the descriptor.
void ArrivalNews::end() {
  if (socket_) ::shutdown(socket_.get(), SHUT_WR);
  socket_.reset();
}

std::unique_ptr<ByteSource> follow_blob(const BlobStore& store, const Digest& digest, UniqueFd news) {
  return std::make_unique<FollowedBlob>(store.partial_path(digest), store.path(digest), std::move(news));
}

Result<void> ArrivingBlob::write(std::string_view bytes) {
  STRATA_TRY(writer_.write(std::as_bytes(std::span(bytes))));
  if (news_ != nullptr) news_->more();
  return {};
}

}  // namespace strata::image
