// Opening a disk that a user named: the door of this room.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "iface/block_store.h"
#include "iface/executor.h"

namespace strata::storage {

struct DiskOptions {
  bool read_only = false;  ///< the guest cannot write
  bool snapshot = false;   ///< the guest can write, and what it wrote is gone at the end
};

/// A raw image file or a block device. It is locked against other machines for as long as the store lives: any number
/// may read it, or one may write it. `done` callbacks go through `executor`, which outlives the store; so do those of
/// requests that are in flight when the store is destroyed.
Result<std::unique_ptr<iface::BlockStore>> open_disk(const std::string& path, const DiskOptions& options,
                                                     iface::Executor& executor);

}  // namespace strata::storage
