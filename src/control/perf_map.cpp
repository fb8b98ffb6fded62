// Lines of hexadecimal start and size, and a name that has the guest's address.
#include "control/perf_map.h"

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

namespace strata::control {

std::string PerfMap::path_of_this_process() { return fmt::format("/tmp/perf-{}.map", getpid()); }

// In a folder that all may write to: a link that somebody has put there is not followed, nor a file of theirs used.
Result<std::unique_ptr<PerfMap>> PerfMap::make(const std::string& path) {
  unlink(path.c_str());
  const int descriptor = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
  if (descriptor < 0) return fail_errno("making {}", path);
  std::FILE* file = fdopen(descriptor, "w");
  if (file == nullptr) return fail_errno("making {}", path);
  return std::unique_ptr<PerfMap>(new PerfMap(file));
}

void PerfMap::compiled(const isa::CodeKey& key, const ir::Unit&, const codegen::Code& code) {
  const codegen::HostCode host = code.host_code();
  for (const auto& [part, suffix] : {std::pair{host.usual, ""}, std::pair{host.seldom, "_seldom"}}) {
    if (part.empty()) continue;
    fmt::print(file_.get(), "{:x} {:x} guest_{:x}{}\n", reinterpret_cast<uint64_t>(part.data()), part.size(),
               key.address, suffix);
  }
}

}  // namespace strata::control
