// Gets guest RAM from the host's kernel and tells watchers what was written.
#include "memory/ram.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

namespace strata::memory {

namespace {

uint64_t host_memory() {
  const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
  return pages > 0 && page > 0 ? static_cast<uint64_t>(pages) * static_cast<uint64_t>(page) : ~uint64_t{0};
}

}  // namespace

Result<std::unique_ptr<Ram>> Ram::make(uint64_t size) {
  const uint64_t mib = uint64_t{1} << 20, limit = host_memory();
  if (size == 0) return fail(ErrorCode::usage, "guest memory of 0 bytes: give it at least {} bytes", page_size);
  if (size > limit)
    return fail(ErrorCode::usage, "guest memory of {} MiB: this host has only {} MiB", size / mib, limit / mib);
  const uint64_t rounded = (size + page_size - 1) & ~(page_size - 1);
  // NORESERVE: pages count only once the guest touches them.
  void* data = mmap(nullptr, rounded, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (data == MAP_FAILED) return fail_errno("taking {} MiB for guest memory", rounded / mib);
#ifdef MADV_HUGEPAGE
  madvise(data, rounded, MADV_HUGEPAGE);  // a wish: without huge pages it works the same
#endif
  return std::unique_ptr<Ram>(new Ram(static_cast<std::byte*>(data), rounded));
}

Ram::Ram(std::byte* data, uint64_t size)
    : data_(data), size_(size), marks_(size >> page_bits), marked_((size >> stretch_bits) + 1) {}

Ram::~Ram() { munmap(data_, size_); }

void Ram::mark(uint64_t offset, uint8_t marks) {
  if (marks_[offset >> page_bits].fetch_or(marks) == 0 && marks != 0) marked_[offset >> stretch_bits].fetch_add(1);
}

void Ram::unmark(uint64_t offset, uint8_t marks) {
  const auto kept = static_cast<uint8_t>(~marks);
  const uint8_t before = marks_[offset >> page_bits].fetch_and(kept);
  if (before != 0 && (before & kept) == 0) marked_[offset >> stretch_bits].fetch_sub(1);
}

bool Ram::is_unmarked(uint64_t offset, uint64_t size) const {
  const uint64_t last = (offset + size - 1) >> stretch_bits;
  for (uint64_t stretch = offset >> stretch_bits; stretch <= last; ++stretch)
    if (marked_[stretch].load(std::memory_order_acquire) != 0) return false;
  return true;
}

void Ram::note_write(uint64_t offset, uint64_t size) {
  if (offset >= size_) return;
  const uint64_t end = offset + std::min(size, size_ - offset);
  while (offset < end) {
    const uint64_t next = std::min(end, (offset | (page_size - 1)) + 1);
    const uint8_t found = marks(offset);
    if ((found & Mark::clean) != 0) unmark(offset, Mark::clean);
    if ((found & Mark::code) != 0)
      for (WriteWatcher* watcher : watchers_) watcher->written(offset, next - offset);
    offset = next;
  }
}

}  // namespace strata::memory
