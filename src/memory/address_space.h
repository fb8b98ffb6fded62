// The guest's physical address space: where RAM, ROM and devices stand.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "iface/bus_device.h"
#include "memory/device_lock.h"
#include "memory/port_space.h"
#include "memory/ram.h"

namespace strata::memory {

enum class Kind : uint8_t { ram, rom, device };

/// A range of addresses that leads to one thing. Of overlapping ranges the one with the higher priority wins, of equal
/// ones the younger. What reaches past the last address is cut; size 0 is nowhere.
struct Region {
  std::string name;
  uint64_t base = 0;
  uint64_t size = 0;
  Kind kind = Kind::device;
  uint64_t ram_offset = 0;             ///< ram and rom: where in the Ram
  iface::BusDevice* device = nullptr;  ///< device
  int priority = 0;
};

/// What stands at one address. Good while the lock is held and the map is not changed.
struct Found {
  const Region* region = nullptr;  ///< nullptr: nothing
  uint64_t offset = 0;             ///< in the region
  uint64_t left = 0;               ///< bytes from here on that lead to the same region, or to nothing
};

class AddressSpace {
 public:
  AddressSpace(Ram& ram, DeviceLock& lock) : ram_(ram), lock_(lock) {}

  using RegionId = uint32_t;
  RegionId add(Region region);
  void remove(RegionId id);  ///< an unknown id is ignored; so by move
  void move(RegionId id, uint64_t base);
  /// Called, with the lock held, when a map has changed: cached translations must go.
  using ChangeId = uint32_t;
  ChangeId on_change(std::function<void()> callback);
  void forget_change(ChangeId id);

  Found find(uint64_t address) const;  ///< with the lock held

  /// Reads and writes of any length, as a processor or a DMA master makes them: device accesses are split to naturally
  /// aligned 1, 2, 4 or 8 bytes. Nothing there: all ones, and lost. ROM swallows writes. Behind the last address comes
  /// address 0. They take the lock.
  void read(uint64_t address, std::span<std::byte> out);
  void write(uint64_t address, std::span<const std::byte> in);

  /// Host memory for [address, address + size) if all of it is RAM in one piece; nullptr otherwise. Who writes through
  /// it calls wrote().
  std::byte* ram_pointer(uint64_t address, uint64_t size);
  void wrote(uint64_t address, uint64_t size);

  template <class T>
  T read_as(uint64_t address) {
    T value;
    read(address, std::as_writable_bytes(std::span(&value, 1)));
    return value;
  }
  template <class T>
  void write_as(uint64_t address, const T& value) {
    write(address, std::as_bytes(std::span(&value, 1)));
  }

  Ram& ram() { return ram_; }
  DeviceLock& lock() { return lock_; }

 private:
  struct Entry {
    RegionId id;
    Region region;
    uint64_t last() const;
    bool above(const Entry& other) const;
  };
  /// A stretch of addresses with one region on top. `last` belongs to it.
  struct Stretch {
    uint64_t begin, last;
    const Entry* entry;
  };
  /// Found, with RAM as host memory.
  struct Place {
    Found found;
    std::byte* memory = nullptr;
  };
  void rebuild();
  const Entry* top_at(uint64_t address) const;
  Place place(uint64_t address) const;
  std::vector<std::unique_ptr<Entry>>::iterator entry(RegionId id);

  Ram& ram_;
  DeviceLock& lock_;
  std::vector<std::unique_ptr<Entry>> entries_;
  std::vector<Stretch> stretches_;  ///< sorted, disjoint, made from entries_
  std::map<ChangeId, std::function<void()>> changed_;
  ChangeId next_change_ = 1;
  RegionId next_id_ = 1;
};

}  // namespace strata::memory
