// The store's lock is a flock of one hidden file.
#include "image/store_lock.h"

#include "base/user_folders.h"

#include <fcntl.h>
#include <sys/file.h>

namespace strata::image {
namespace {

Result<UniqueFd> lock_store(int flags) {
  const std::filesystem::path root = STRATA_TRY(store_root());
  STRATA_TRY(make_private_folder(root));
  const std::filesystem::path path = root / ".lock";
  UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file) return fail_errno("making {}", path.string());
  while (::flock(file.get(), flags) != 0) {
    if (errno == EWOULDBLOCK) return fail(ErrorCode::busy, "the image store is in use");
    if (errno != EINTR) return fail_errno("locking {}", path.string());
  }
  return file;
}

}  // namespace

Result<std::filesystem::path> store_root() { return data_folder(); }

Result<UniqueFd> share_store() { return lock_store(LOCK_SH); }

Result<UniqueFd> own_store() { return lock_store(LOCK_EX | LOCK_NB); }

}  // namespace strata::image
