// The guest's RAM: host memory, with a byte of marks for each page.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"

namespace strata::memory {

inline constexpr unsigned page_bits = 12;
inline constexpr uint64_t page_size = uint64_t{1} << page_bits;

/// Told of writes to marked pages. Called on whichever thread wrote.
class WriteWatcher {
 public:
  /// `offset` and `size` are in the RAM block; at most one page. Called after the write.
  virtual void written(uint64_t offset, uint64_t size) = 0;

 protected:
  ~WriteWatcher() = default;
};

/// One block of host memory, zero at first, given by the kernel as it is touched. Offsets count from its start; where
/// it stands in the guest's physical addresses is AddressSpace's matter.
class Ram {
 public:
  struct Mark {
    static constexpr uint8_t code = 1;   ///< holds translated code: writes are told to the watcher
    static constexpr uint8_t clean = 2;  ///< not written since dirty tracking looked
  };

  /// `size` is rounded up to whole pages. Fails when the host has not that much.
  static Result<std::unique_ptr<Ram>> make(uint64_t size);
  ~Ram();
  Ram(const Ram&) = delete;
  Ram& operator=(const Ram&) = delete;

  uint64_t size() const { return size_; }
  std::byte* data() { return data_; }
  std::byte* at(uint64_t offset) { return data_ + offset; }  ///< offset < size(), the caller's care

  uint8_t marks(uint64_t offset) const { return marks_[offset >> page_bits].load(std::memory_order_acquire); }
  void mark(uint64_t offset, uint8_t marks);
  void unmark(uint64_t offset, uint8_t marks);
  /// Whether no page of [offset, offset + size) has marks; false also where only others of the same stretch have some.
  bool is_unmarked(uint64_t offset, uint64_t size) const;

  /// Every watcher is told of every write to a page marked as code. Not while anyone writes.
  void watch(WriteWatcher& watcher) { watchers_.push_back(&watcher); }
  void unwatch(WriteWatcher& watcher) { std::erase(watchers_, &watcher); }

  /// Whoever wrote to RAM by pointer says so here; cheap where no page is marked. Bytes outside the block are nobody's.
  void note_write(uint64_t offset, uint64_t size);

 private:
  Ram(std::byte* data, uint64_t size);

  std::byte* data_;
  uint64_t size_;
  std::vector<std::atomic<uint8_t>> marks_;
  static constexpr unsigned stretch_bits = 21;
  std::vector<std::atomic<uint32_t>> marked_;  ///< by stretch of 2 MiB: how many of its pages have marks
  std::vector<WriteWatcher*> watchers_;
};

}  // namespace strata::memory
