// From a path and options to a block store.
#include "storage/disk.h"

#include <utility>

#include "storage/raw_file.h"
#include "storage/snapshot.h"

namespace strata::storage {

Result<std::unique_ptr<iface::BlockStore>> open_disk(const std::string& path, const DiskOptions& options,
                                                     iface::Executor& executor) {
  std::unique_ptr<iface::BlockStore> disk =
      STRATA_TRY(RawFile::open(path, options.read_only || options.snapshot, executor));
  if (options.snapshot && !options.read_only) disk = STRATA_TRY(Snapshot::make(std::move(disk), executor));
  return disk;
}

}  // namespace strata::storage
