// Flattens overlapping regions to stretches, finds addresses in them, and carries accesses to RAM, ROM and devices.
#include "memory/address_space.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <set>

#include "base/assert.h"

namespace strata::memory {

namespace {

constexpr uint64_t last_address = ~uint64_t{0};

/// The widest access that a device takes at this address: naturally aligned, at most 8 bytes and `left`.
unsigned device_piece(uint64_t address, uint64_t left) {
  const uint64_t aligned = address == 0 ? 8 : uint64_t{1} << std::min(std::countr_zero(address), 3);
  return static_cast<unsigned>(std::min(aligned, std::bit_floor(left)));
}

}  // namespace

uint64_t AddressSpace::Entry::last() const {
  return region.size - 1 > last_address - region.base ? last_address : region.base + (region.size - 1);
}

bool AddressSpace::Entry::above(const Entry& other) const {
  return region.priority != other.region.priority ? region.priority > other.region.priority : id > other.id;
}

AddressSpace::RegionId AddressSpace::add(Region region) {
  if (region.kind == Kind::device) STRATA_ASSERT(region.device != nullptr);
  else STRATA_ASSERT(region.ram_offset <= ram_.size() && region.size <= ram_.size() - region.ram_offset);
  const std::lock_guard guard(lock_);
  entries_.push_back(std::make_unique<Entry>(Entry{next_id_, std::move(region)}));
  rebuild();
  return next_id_++;
}

std::vector<std::unique_ptr<AddressSpace::Entry>>::iterator AddressSpace::entry(RegionId id) {
  return std::find_if(entries_.begin(), entries_.end(), [id](const auto& entry) { return entry->id == id; });
}

void AddressSpace::remove(RegionId id) {
  const std::lock_guard guard(lock_);
  const auto found = entry(id);
  if (found == entries_.end()) return;
  const std::unique_ptr<Entry> removed = std::move(*found);
  entries_.erase(found);
  rebuild();
}

void AddressSpace::move(RegionId id, uint64_t base) {
  const std::lock_guard guard(lock_);
  const auto found = entry(id);
  if (found == entries_.end() || (*found)->region.base == base) return;
  (*found)->region.base = base;
  rebuild();
}

const AddressSpace::Entry* AddressSpace::top_at(uint64_t address) const {
  const Entry* top = nullptr;
  for (const auto& entry : entries_) {
    const bool covers = entry->region.size != 0 && address >= entry->region.base && address <= entry->last();
    if (covers && (top == nullptr || entry->above(*top))) top = entry.get();
  }
  return top;
}

// What is on top can change only where a region begins or ends.
void AddressSpace::rebuild() {
  std::set<uint64_t> edges;
  for (const auto& entry : entries_) {
    if (entry->region.size == 0) continue;
    edges.insert(entry->region.base);
    if (entry->last() != last_address) edges.insert(entry->last() + 1);
  }
  stretches_.clear();
  for (auto edge = edges.begin(); edge != edges.end(); ++edge) {
    const Entry* top = top_at(*edge);
    if (top == nullptr) continue;
    const auto next = std::next(edge);
    const uint64_t last = next == edges.end() ? last_address : *next - 1;
    const bool continues = !stretches_.empty() && stretches_.back().entry == top && stretches_.back().last + 1 == *edge;
    if (continues) stretches_.back().last = last;
    else stretches_.push_back({*edge, last, top});
  }
  for (const auto& [id, callback] : changed_) callback();
}

AddressSpace::ChangeId AddressSpace::on_change(std::function<void()> callback) {
  const std::lock_guard guard(lock_);
  changed_.emplace(next_change_, std::move(callback));
  return next_change_++;
}

void AddressSpace::forget_change(ChangeId id) {
  const std::lock_guard guard(lock_);
  changed_.erase(id);
}

Found AddressSpace::find(uint64_t address) const {
  // The first stretch that begins behind the address; the one before it is the only one that can hold it.
  const auto behind = std::upper_bound(stretches_.begin(), stretches_.end(), address,
                                       [](uint64_t value, const Stretch& stretch) { return value < stretch.begin; });
  const auto length = [address](uint64_t last) {
    return last - address == last_address ? last_address : last - address + 1;
  };
  if (behind != stretches_.begin()) {
    const Stretch& stretch = *std::prev(behind);
    if (address <= stretch.last)
      return {&stretch.entry->region, address - stretch.entry->region.base, length(stretch.last)};
  }
  return {nullptr, 0, length(behind == stretches_.end() ? last_address : behind->begin - 1)};
}

AddressSpace::Place AddressSpace::place(uint64_t address) const {
  Place result{find(address)};
  const Region* region = result.found.region;
  if (region != nullptr && region->kind != Kind::device)
    result.memory = ram_.at(region->ram_offset + result.found.offset);
  return result;
}

void AddressSpace::read(uint64_t address, std::span<std::byte> out) {
  while (!out.empty()) {
    std::unique_lock guard(lock_);
    const Place at = place(address);
    size_t size = std::min<uint64_t>(at.found.left, out.size());
    if (at.memory != nullptr) {
      guard.unlock();
      std::memcpy(out.data(), at.memory, size);
    } else if (at.found.region == nullptr) {
      std::memset(out.data(), 0xff, size);
    } else {
      size = device_piece(address, size);
      const uint64_t value = at.found.region->device->read(at.found.offset, static_cast<unsigned>(size));
      std::memcpy(out.data(), &value, size);
    }
    out = out.subspan(size);
    address += size;
  }
}

void AddressSpace::write(uint64_t address, std::span<const std::byte> in) {
  while (!in.empty()) {
    std::unique_lock guard(lock_);
    const Place at = place(address);
    size_t size = std::min<uint64_t>(at.found.left, in.size());
    if (at.found.region == nullptr || at.found.region->kind == Kind::rom) {
      // lost
    } else if (at.memory != nullptr) {
      guard.unlock();
      std::memcpy(at.memory, in.data(), size);
      ram_.note_write(static_cast<uint64_t>(at.memory - ram_.data()), size);
    } else {
      size = device_piece(address, size);
      uint64_t value = 0;
      std::memcpy(&value, in.data(), size);
      at.found.region->device->write(at.found.offset, static_cast<unsigned>(size), value);
    }
    in = in.subspan(size);
    address += size;
  }
}

std::byte* AddressSpace::ram_pointer(uint64_t address, uint64_t size) {
  const std::lock_guard guard(lock_);
  const Place at = place(address);
  const bool is_ram = at.memory != nullptr && at.found.region->kind == Kind::ram;
  return is_ram && size <= at.found.left ? at.memory : nullptr;
}

void AddressSpace::wrote(uint64_t address, uint64_t size) {
  while (size != 0) {
    std::unique_lock guard(lock_);
    const Place at = place(address);
    guard.unlock();
    const uint64_t piece = std::min(at.found.left, size);
    if (at.memory != nullptr) ram_.note_write(static_cast<uint64_t>(at.memory - ram_.data()), piece);
    address += piece;
    size -= piece;
  }
}

}  // namespace strata::memory
