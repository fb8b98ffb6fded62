// A root made of layers by the kernel's overlayfs, as config.json's "strata.overlay" describes it.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"
#include "container/spec/spec.h"

namespace strata::container {

/// The overlay, mounted nowhere yet. `user_namespace`: files in the lower layers have ids of that namespace (a descriptor
/// of it), by id-mapped mounts (Linux 5.19), for root only, and those in the upper one the host's; -1: all are as they are. `user_attributes`: whiteouts and their like
/// are in attributes that an ordinary user may write, for root of a user namespace (Linux 5.11).
[[nodiscard]] Result<UniqueFd> make_overlay(const Overlay& overlay, int user_namespace, bool user_attributes);

}  // namespace strata::container
