// RawFile: a disk whose bytes are those of a file or of a block device of the host.
#pragma once

#include <sys/uio.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "iface/block_store.h"
#include "iface/executor.h"
#include "storage/worker_pool.h"

namespace strata::storage {

class RawFile final : public iface::BlockStore {
 public:
  /// Opens and locks it (see open_disk).
  static Result<std::unique_ptr<RawFile>> open(const std::string& path, bool read_only, iface::Executor& executor);

  /// For a file that is open already; `name` is for messages.
  RawFile(UniqueFd file, std::string name, uint64_t size, bool read_only, iface::Executor& executor);
  /// Waits for requests in flight.
  ~RawFile() override;

  uint64_t size() const override { return size_; }
  bool read_only() const override { return read_only_; }
  void read(uint64_t offset, std::span<const Segment> into, Done done) override;
  void write(uint64_t offset, std::span<const Segment> from, Done done) override;
  void flush(Done done) override;
  void discard(uint64_t offset, uint64_t length, Done done) override;
  void write_zeroes(uint64_t offset, uint64_t length, Done done) override;

 private:
  using Work = std::function<Result<void>()>;
  /// Does the work on a worker thread and reports; or only reports, if `allowed` is an error.
  void submit(Result<void> allowed, Done done, Work work);
  Result<void> check_write(uint64_t offset, uint64_t length) const;
  Result<void> transfer(bool writing, uint64_t offset, std::vector<iovec> vectors) const;
  Result<void> fill_with_zeroes(uint64_t offset, uint64_t length) const;

  const UniqueFd file_;
  const std::string name_;
  const uint64_t size_;
  const bool read_only_;
  iface::Executor& executor_;
  std::atomic<bool> has_warned_ = false;
  WorkerPool workers_;  // last: its threads use the others
};

}  // namespace strata::storage
