// One loop of reading, for copies and for checks.
#include "image/copy_blob.h"

#include "base/unique_fd.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <vector>

namespace strata::image {

Result<void> write_fully(int file, std::span<const std::byte> content) {
  while (!content.empty()) {
    const ssize_t written = ::write(file, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail_errno("writing");
    content = content.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

Result<void> read_blob(int file, const Descriptor& blob, int cancel_fd, const BytesFn& sink) {
  std::vector<std::byte> buffer(1 << 18);
  Hasher hasher;
  std::uint64_t size = 0;
  while (true) {
    pollfd cancelled{cancel_fd, POLLIN, 0};
    if (cancel_fd >= 0 && ::poll(&cancelled, 1, 0) > 0) return fail(ErrorCode::cancelled, "stopped");
    const ssize_t count = ::read(file, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("reading {}", blob.digest.text());
    if (count == 0) break;
    const auto piece = std::span<const std::byte>(buffer).first(static_cast<std::size_t>(count));
    hasher.add(piece);
    size += piece.size();
    STRATA_TRY(sink(piece));
  }
  if (size != blob.size || hasher.finish() != blob.digest)
    return fail(ErrorCode::bad_data, "the content of {} is not what its digest and size say", blob.digest.text());
  return {};
}

Result<void> verify_blob(const std::filesystem::path& path, const Descriptor& blob, int cancel_fd) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return fail_errno("reading {}", path.string());
  return read_blob(file.get(), blob, cancel_fd, [](std::span<const std::byte>) -> Result<void> { return {}; });
}

}  // namespace strata::image
