// Reads go where each sector was written last; writes go to the overlay.
#include "storage/snapshot.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>

#include "base/unique_fd.h"
#include "storage/raw_file.h"
#include "storage/sectors.h"

namespace strata::storage {
namespace {

using Segment = iface::BlockStore::Segment;

Result<UniqueFd> nameless_file() {
  const char* from_environment = std::getenv("TMPDIR");
  const std::string folder = from_environment && *from_environment ? from_environment : "/var/tmp";
  UniqueFd file(open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600));
  if (file) return file;
  std::string name = folder + "/strata-snapshot-XXXXXX";  // a file system without O_TMPFILE
  file.reset(mkostemp(name.data(), O_CLOEXEC));
  if (!file) return fail_errno("a temporary file in {} for snapshot (TMPDIR sets another folder)", folder);
  unlink(name.c_str());
  return file;
}

/// The part of `segments` that starts `offset` bytes in and has `length` bytes.
std::vector<Segment> slice(std::span<const Segment> segments, uint64_t offset, uint64_t length) {
  std::vector<Segment> part;
  for (const Segment& segment : segments) {
    if (length == 0) break;
    if (offset >= segment.size) {
      offset -= segment.size;
      continue;
    }
    const size_t take = std::min<uint64_t>(segment.size - offset, length);
    part.push_back({segment.data + offset, take});
    offset = 0;
    length -= take;
  }
  return part;
}

/// Calls `done` after `parts` calls, with the first error among them.
iface::BlockStore::Done join(size_t parts, iface::BlockStore::Done done) {
  struct State {
    size_t left;
    Result<void> result;
    iface::BlockStore::Done done;
  };
  // Shared by the parts: they end in any order, all under the device lock.
  auto state = std::make_shared<State>(State{parts, {}, std::move(done)});
  return [state](Result<void> result) {
    if (!result && state->result) state->result = std::move(result);
    if (--state->left == 0) state->done(std::move(state->result));
  };
}

}  // namespace

Result<std::unique_ptr<Snapshot>> Snapshot::make(std::unique_ptr<iface::BlockStore> base, iface::Executor& executor) {
  UniqueFd file = STRATA_TRY(nameless_file());
  const uint64_t size = base->size();
  if (ftruncate(file.get(), static_cast<off_t>(size)) != 0) return fail_errno("a snapshot of {} bytes", size);
  auto writes = std::make_unique<RawFile>(std::move(file), "snapshot", size, false, executor);
  return std::make_unique<Snapshot>(std::move(base), std::move(writes), executor);
}

Snapshot::Snapshot(std::unique_ptr<iface::BlockStore> base, std::unique_ptr<iface::BlockStore> writes,
                   iface::Executor& executor)
    : base_(std::move(base)),
      writes_(std::move(writes)),
      executor_(executor),
      written_(std::make_shared<SectorSet>()) {}

void Snapshot::read(uint64_t offset, std::span<const Segment> into, Done done) {
  const uint64_t length = total_size(into);
  if (!check_range(size(), offset, length) || length == 0) return base_->read(offset, into, std::move(done));
  struct Part {
    bool written;
    uint64_t begin, length;
  };
  std::vector<Part> parts;
  for (uint64_t at = 0; at < length; at += parts.back().length) {
    const auto run = written_->run_at((offset + at) / sector_size, (length - at) / sector_size);
    parts.push_back({run.inside, at, run.count * sector_size});
  }
  const Done part_done = join(parts.size(), std::move(done));
  for (const Part& part : parts) {
    iface::BlockStore& store = part.written ? *writes_ : *base_;
    store.read(offset + part.begin, slice(into, part.begin, part.length), part_done);
  }
}

iface::BlockStore::Done Snapshot::mark_when_done(uint64_t offset, uint64_t length, Done done) {
  return [written = written_, offset, length, done = std::move(done)](Result<void> result) {
    if (result) written->add(offset / sector_size, length / sector_size);
    done(std::move(result));
  };
}

void Snapshot::write(uint64_t offset, std::span<const Segment> from, Done done) {
  writes_->write(offset, from, mark_when_done(offset, total_size(from), std::move(done)));
}

void Snapshot::flush(Done done) {
  executor_.post([done = std::move(done)] { done({}); });
}

void Snapshot::discard(uint64_t offset, uint64_t length, Done done) { write_zeroes(offset, length, std::move(done)); }

void Snapshot::write_zeroes(uint64_t offset, uint64_t length, Done done) {
  writes_->write_zeroes(offset, length, mark_when_done(offset, length, std::move(done)));
}

}  // namespace strata::storage
