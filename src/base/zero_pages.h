// ZeroPages: an object in pages of its own that begin as zeros and take the host's memory only where they are written.
#pragma once

#include <sys/mman.h>

#include <new>
#include <type_traits>

namespace strata {

/// For tables that are large and mostly empty. Throws std::bad_alloc where there is no room for the addresses.
template <class T>
class ZeroPages {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

 public:
  ZeroPages() {
    constexpr int kind = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    void* const memory = mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, kind, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    object_ = static_cast<T*>(memory);
  }
  ZeroPages(const ZeroPages&) = delete;
  ZeroPages& operator=(const ZeroPages&) = delete;
  ~ZeroPages() { munmap(object_, sizeof(T)); }

  T& operator*() { return *object_; }
  const T& operator*() const { return *object_; }
  T* operator->() { return object_; }
  const T* operator->() const { return object_; }

 private:
  T* object_;
};

}  // namespace strata
