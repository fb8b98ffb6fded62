// start: the socket on which a created container waits.
#include "container/lifecycle/create.h"
#include "container/lifecycle/hooks.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

namespace strata::container {
namespace {

// A path by the folder's descriptor: a socket's address has room for 107 letters only.
struct Address {
  sockaddr_un value{};
  UniqueFd folder;
};

Result<Address> address_of(const ContainerFolder& folder) {
  Address address;
  address.folder.reset(::open(folder.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!address.folder) return fail_errno("{}", folder.path());
  address.value.sun_family = AF_UNIX;
  fmt::format_to_n(address.value.sun_path, sizeof address.value.sun_path - 1, "/proc/self/fd/{}/start",
                   address.folder.get());
  return address;
}

Result<UniqueFd> make_socket() {
  UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!socket) return fail_errno("socket");
  return socket;
}

}  // namespace

Result<UniqueFd> listen_for_start(const ContainerFolder& folder) {
  const auto address = STRATA_TRY(address_of(folder));
  UniqueFd socket = STRATA_TRY(make_socket());
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address.value), sizeof address.value) != 0 ||
      ::listen(socket.get(), 1) != 0)
    return fail_errno("{}", folder.start_path());
  return socket;
}

Result<void> start_container(const ContainerFolder& folder, const Record& record, const Spec& spec) {
  {
    const auto address = STRATA_TRY(address_of(folder));
    UniqueFd socket = STRATA_TRY(make_socket());
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address.value), sizeof address.value) != 0)
      return fail_errno("the container's process does not wait for start");
    ::unlink(folder.start_path().c_str());
    // Closed without a word, it has become the program.
    STRATA_TRY(Channel(std::move(socket)).expect_end());
  }
  return after_start(record, spec);
}

Result<void> after_start(const Record& record, const Spec& spec) {
  if (spec.hooks.poststart.empty()) return {};
  return run_hooks("poststart", spec.hooks.poststart, state_json(record, Status::running));
}

Result<void> start(const Runtime& runtime, const std::string& id) {
  const auto folder = STRATA_TRY(ContainerFolder::open(runtime.root, id));
  const auto record = STRATA_TRY(folder.read());
  const auto cgroup = STRATA_TRY(Cgroup::find(record.cgroups));
  if (const auto status = status_of(record, folder, cgroup); status != Status::created)
    return fail(ErrorCode::usage, "container '{}' cannot be started: it is {}, not created", id, name_of(status));
  return start_container(folder, record, STRATA_TRY(folder.read_spec()));
}

}  // namespace strata::container
