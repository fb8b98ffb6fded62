// Puts lines of complaint together and writes each at once.
#include "init/message.h"

#include <errno.h>

#include "init/system_call.h"

namespace strata::init {

std::string_view error_text(long negative_errno) {
  switch (-negative_errno) {
    case ENOENT: return "no such file or directory";
    case EACCES: return "permission denied";
    case EPERM: return "not permitted";
    case ENOEXEC: return "not a program that this system can run";
    case ENOTDIR: return "not a directory";
    case EISDIR: return "a directory";
    case ENOMEM: return "out of memory";
    case E2BIG: return "too many arguments";
    case ELOOP: return "too many symbolic links";
    case ENODEV: return "the kernel does not know it";
    case ENXIO: return "there is no such device";
    case EINVAL: return "invalid";
    case EIO: return "input/output error";
    case EROFS: return "read-only file system";
    default: return {};
  }
}

void complain(std::string_view what, std::string_view which, std::string_view why) {
  TextBuffer<512> line;
  line << "strata-init: " << what << (which.empty() ? "" : " ") << which << ": " << why << "\n";
  const std::string_view text = line;
  sys::write(2, text.data(), text.size());
}

void complain(std::string_view what, std::string_view which, long negative_errno) {
  const std::string_view text = error_text(negative_errno);
  if (!text.empty()) return complain(what, which, text);
  complain(what, which, TextBuffer<32>() << "error " << static_cast<std::uint32_t>(-negative_errno));
}

}  // namespace strata::init
