// TarOut: writes an archive (POSIX pax) that is the same for the same content.
#pragma once

#include "base/result.h"
#include "image/utf8_locale.h"

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct archive;

namespace strata::image {

class TarOut {
 public:
  using Sink = std::function<Result<void>(std::span<const std::byte>)>;
  [[nodiscard]] static Result<std::unique_ptr<TarOut>> begin(Sink sink);
  TarOut(const TarOut&) = delete;
  TarOut& operator=(const TarOut&) = delete;
  ~TarOut();

  // Of root, of no time, mode 0644 or 0755.
  [[nodiscard]] Result<void> add_folder(const std::string& name);
  [[nodiscard]] Result<void> add_text(const std::string& name, std::string_view content);
  [[nodiscard]] Result<void> add_file(const std::string& name, const std::filesystem::path& file);

  // A folder's files with their attributes, in the order of their names; sockets and device nodes are left out. With `mine`
  // all belong to root in the archive: an ordinary user's own files.
  [[nodiscard]] Result<void> add_tree(const std::filesystem::path& folder, bool mine, int cancel_fd = -1);

  [[nodiscard]] Result<void> finish();

 private:
  struct Entry;
  explicit TarOut(Sink sink);
  Result<void> check(int code);
  Result<void> write_plain(const std::string& name, unsigned type, std::int64_t size);
  Result<void> write_content(int file, std::int64_t size);
  Result<void> add_below(int directory, const std::string& path);
  Result<void> add_entry(int directory, const std::string& name, const std::string& path);

  Utf8Locale locale_;
  Sink sink_;
  Result<void> sink_error_;
  archive* archive_;
  bool mine_ = false;
  int cancel_fd_ = -1;
  std::map<std::pair<dev_t, ino_t>, std::string> links_;
};

}  // namespace strata::image
