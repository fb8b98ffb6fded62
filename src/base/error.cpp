// Maps errno values to errors, and errors to exit codes.
#include "base/error.h"

#include <cerrno>
#include <system_error>

namespace strata {

ErrorCode error_code_from_errno(int errno_value) {
  switch (errno_value) {
    case ENOENT:
    case ENODEV:
    case ENXIO:
    case ESRCH: return ErrorCode::not_found;
    case EEXIST: return ErrorCode::already_exists;
    case EACCES:
    case EPERM:
    case EROFS: return ErrorCode::permission_denied;
    case ENOSPC:
    case EDQUOT:
    case ENOMEM:
    case EFBIG: return ErrorCode::no_space;
    case EBUSY:
    case EADDRINUSE:
    case ETXTBSY:
    case EAGAIN: return ErrorCode::busy;
    case ENOSYS:
    case EOPNOTSUPP: return ErrorCode::unsupported;
    case EIO:
    case EPIPE: return ErrorCode::io;
    case ETIMEDOUT: return ErrorCode::timed_out;
    case ECANCELED:
    case EINTR: return ErrorCode::cancelled;
    default: return ErrorCode::failed;
  }
}

Error error_from_errno(int errno_value) {
  // std::generic_category is strerror without its shared buffer.
  return {error_code_from_errno(errno_value), std::generic_category().message(errno_value)};
}

ExitCode exit_code_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::usage: return ExitCode::wrong_usage;
    case ErrorCode::timed_out: return ExitCode::timed_out;
    default: return ExitCode::work_failed;
  }
}

}  // namespace strata
