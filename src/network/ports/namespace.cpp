// Enters namespaces on a thread of its own, so that no failure can leave the caller in the wrong one.
#include "network/ports/namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <thread>

#include "base/unique_fd.h"

namespace strata::network::ports {
namespace {

std::string path_of(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  const bool number = std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isdigit(c); });
  return number ? "/proc/" + name + "/ns/net" : "/run/netns/" + name;
}

}  // namespace

Result<void> in_network_namespace(const std::string& name, const std::function<Result<void>()>& work) {
  if (name.empty()) return work();
  const UniqueFd space(open(path_of(name).c_str(), O_RDONLY | O_CLOEXEC));
  if (!space) return fail_errno("network namespace {}", name);
  Result<void> result;
  std::thread([&] {
    result = setns(space.get(), CLONE_NEWNET) == 0 ? work() : fail_errno("entering network namespace {}", name);
  }).join();
  return result;
}

uint64_t network_namespace_id(const std::string& name) {
  struct stat about = {};
  return stat(path_of(name).c_str(), &about) == 0 ? about.st_ino : 0;
}

}  // namespace strata::network::ports
