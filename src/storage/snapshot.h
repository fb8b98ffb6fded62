// Snapshot: a disk that can be written over another that stays as it is; what was written is gone at the end.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/result.h"
#include "iface/block_store.h"
#include "iface/executor.h"
#include "storage/sector_set.h"

namespace strata::storage {

class Snapshot final : public iface::BlockStore {
 public:
  /// Writes go to a file without a name in $TMPDIR or else /var/tmp, which takes as much room as was written.
  static Result<std::unique_ptr<Snapshot>> make(std::unique_ptr<iface::BlockStore> base, iface::Executor& executor);
  /// Over any two stores of the same size; `writes` holds zeroes.
  Snapshot(std::unique_ptr<iface::BlockStore> base, std::unique_ptr<iface::BlockStore> writes,
           iface::Executor& executor);

  uint64_t size() const override { return base_->size(); }
  bool read_only() const override { return false; }
  void read(uint64_t offset, std::span<const Segment> into, Done done) override;
  void write(uint64_t offset, std::span<const Segment> from, Done done) override;
  /// Nothing of it has to survive.
  void flush(Done done) override;
  void discard(uint64_t offset, uint64_t length, Done done) override;
  void write_zeroes(uint64_t offset, uint64_t length, Done done) override;

 private:
  /// `done`, and before it the range counts as written if that went well.
  Done mark_when_done(uint64_t offset, uint64_t length, Done done);

  std::unique_ptr<iface::BlockStore> base_;
  std::unique_ptr<iface::BlockStore> writes_;
  iface::Executor& executor_;
  std::shared_ptr<SectorSet> written_;  // shared with requests in flight, whose callbacks come after the destructor
};

}  // namespace strata::storage
