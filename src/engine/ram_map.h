// Where RAM and ROM stand in physical memory, copied out of the AddressSpace so that a processor needs no lock for them.
#pragma once

#include <cstdint>
#include <vector>

#include "memory/address_space.h"

namespace strata::engine {

/// One a processor, used on its thread only.
class RamMap {
 public:
  explicit RamMap(memory::AddressSpace& space) : space_(space) { refresh(); }

  /// A stretch of physical addresses that lead to host memory.
  struct Window {
    uint64_t begin, last;  ///< last belongs to it
    std::byte* memory;     ///< of begin
    bool rom;
    bool holds(uint64_t address, uint64_t size) const {
      return address >= begin && address <= last && size - 1 <= last - address;
    }
    std::byte* at(uint64_t address) const { return memory + (address - begin); }
  };

  /// Copies the map anew; after AddressSpace::on_change.
  void refresh();

  /// The window that holds all of [address, address + size), or nullptr. Size is not 0.
  const Window* find(uint64_t address, uint64_t size);

  /// Any address and size; RAM without the lock, the rest through the AddressSpace.
  void read(uint64_t address, void* out, unsigned size);
  void write(uint64_t address, const void* in, unsigned size);

  /// See isa::Host::compare_exchange_physical.
  bool compare_exchange(uint64_t address, unsigned size, uint64_t expected, uint64_t desired);

  memory::AddressSpace& space() { return space_; }
  memory::Ram& ram() { return space_.ram(); }
  uint64_t offset_of(const std::byte* host) { return static_cast<uint64_t>(host - ram().data()); }

 private:
  bool compare_exchange_slow(uint64_t address, unsigned size, uint64_t expected, uint64_t desired);

  memory::AddressSpace& space_;
  std::vector<Window> windows_;
  size_t last_hit_ = 0;
};

}  // namespace strata::engine
