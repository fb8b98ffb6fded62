// How a process of a container comes to be: what its first process and those of `exec` have in common.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"
#include "container/lifecycle/channel.h"
#include "container/lifecycle/record.h"
#include "container/namespaces/namespaces.h"
#include "container/process/process.h"
#include "container/rootfs/rootfs.h"
#include "container/spec/spec.h"

#include <string>

namespace strata::container {

/// All that the child needs, ready before it begins: it is a copy of the runtime, in other namespaces.
struct Birth {
  const Spec& spec;
  Process& process;  // its user is looked up inside
  const NamespacePlan& namespaces;
  Channel channel;  // to the runtime
  UniqueFd host_proc;
  UniqueFd start;          // listening, where `start` comes from; empty: it does not wait for that
  UniqueFd console;        // the socket that is sent the terminal's master end; empty: the runtime is
  unsigned preserved = 0;  // descriptors after the standard ones that the program gets
  std::string keyring;     // the name of a new session keyring; empty: the runtime's is kept
  bool new_user_namespace = false;
};

/// Whether the runtime has something to do when all is mounted, for which the child waits.
[[nodiscard]] inline bool needs_runtime_when_mounted(const Spec& spec) {
  return !spec.hooks.prestart.empty() || !spec.hooks.create_runtime.empty() || !spec.linux.net_devices.empty();
}

/// The container's first process: makes the container around itself, waits for `start` if it is to, and becomes the
/// program. Never comes back.
[[noreturn]] void be_first_process(Birth& birth, Rootfs& rootfs, const Record& record);

/// A process of `exec`: finds the container made. Never comes back.
[[noreturn]] void be_further_process(Birth& birth);

}  // namespace strata::container
