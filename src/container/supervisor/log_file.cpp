// Writing and rotating a container's log.
#include "container/supervisor/log_file.h"

#include "container/utc_time.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

namespace strata::container {

void LogFile::write(std::string_view stream, std::string_view bytes) {
  if (bytes_ == 0) return;
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const bool whole = end != std::string_view::npos;
    write_line(stream, whole ? 'F' : 'P', bytes.substr(0, end));
    bytes.remove_prefix(whole ? end + 1 : bytes.size());
  }
}

// One write for a line, so that a reader never sees half of one.
void LogFile::write_line(std::string_view stream, char tag, std::string_view text) {
  if (size_ >= bytes_) rotate();
  if (!file_ && !open()) return;
  const std::string line = fmt::format("{} {} {} {}\n", utc_now(), stream, tag, text);
  if (const ssize_t written = ::write(file_.get(), line.data(), line.size()); written > 0)
    size_ += static_cast<std::uint64_t>(written);
}

bool LogFile::open() {
  file_.reset(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  struct stat found {};
  if (!file_ || ::fstat(file_.get(), &found) != 0) return false;
  size_ = static_cast<std::uint64_t>(found.st_size);
  if (size_ >= bytes_) rotate();
  return static_cast<bool>(file_);
}

void LogFile::rotate() {
  file_.reset();
  size_ = 0;
  const auto name = [&](unsigned number) { return number == 0 ? path_ : fmt::format("{}.{}", path_, number); };
  if (files_ == 1) ::unlink(path_.c_str());
  for (unsigned number = files_ - 1; number > 0; --number)
    (void)std::rename(name(number - 1).c_str(), name(number).c_str());
  file_.reset(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
}

}  // namespace strata::container
