// MSI-X: messages go out at once, or wait as pending bits until they are unmasked.
#include "devices/pci/msix.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/assert.h"
#include "base/bits.h"

namespace strata::devices {
namespace {

constexpr unsigned data_offset = 8;
constexpr unsigned control_offset = 12;
constexpr std::byte mask_bit{1};
constexpr size_t pending_word = 8;

}  // namespace

MsixTable::MsixTable(unsigned vectors, iface::MsiTarget& target)
    : target_(target),
      table_(size_t{vectors} * entry_size),
      pending_((vectors + 63) / 64 * pending_word),
      pending_offset_(align_up(vectors * entry_size, 2048u)) {
  STRATA_ASSERT(vectors >= 1 && vectors <= max_vectors);
  reset();
}

uint64_t MsixTable::bar_size() const {
  return std::bit_ceil(std::max<uint64_t>(4096, pending_offset_ + pending_.size()));
}

void MsixTable::reset() {
  enabled_ = function_masked_ = false;
  std::ranges::fill(table_, std::byte{0});
  std::ranges::fill(pending_, std::byte{0});
  // 6.8.2.9: every vector is masked after reset.
  for (unsigned i = 0; i < vectors(); ++i) table_[i * entry_size + control_offset] = mask_bit;
}

void MsixTable::set_control(bool enabled, bool function_masked) {
  enabled_ = enabled;
  function_masked_ = function_masked;
  for (unsigned i = 0; i < vectors(); ++i) deliver_pending(i);
}

bool MsixTable::masked(unsigned vector) const {
  return function_masked_ || (table_[vector * entry_size + control_offset] & mask_bit) != std::byte{0};
}

void MsixTable::send(unsigned vector) {
  if (vector >= vectors() || !enabled_) return;
  if (masked(vector)) {
    pending_[vector / 8] |= std::byte{1} << (vector % 8);
  } else {
    deliver(vector);
  }
}

void MsixTable::deliver(unsigned vector) {
  const std::byte* entry = table_.data() + vector * entry_size;
  target_.send(load_le<uint64_t>(entry), load_le<uint32_t>(entry + data_offset));
}

void MsixTable::deliver_pending(unsigned vector) {
  const std::byte bit = std::byte{1} << (vector % 8);
  if (!enabled_ || masked(vector) || (pending_[vector / 8] & bit) == std::byte{0}) return;
  pending_[vector / 8] &= ~bit;
  deliver(vector);
}

uint64_t MsixTable::read(uint64_t offset, unsigned size) {
  uint64_t value = 0;
  if (offset + size <= table_.size()) {
    std::memcpy(&value, table_.data() + offset, size);
  } else if (offset >= pending_offset_ && offset + size <= pending_offset_ + pending_.size()) {
    std::memcpy(&value, pending_.data() + (offset - pending_offset_), size);
  }
  return value;
}

void MsixTable::write(uint64_t offset, unsigned size, uint64_t value) {
  if (offset + size > table_.size()) return;  // the pending bits are read-only
  std::memcpy(table_.data() + offset, &value, size);
  const auto first = static_cast<unsigned>(offset / entry_size);
  const auto last = static_cast<unsigned>((offset + size - 1) / entry_size);
  for (unsigned i = first; i <= last; ++i) {
    // Reserved bits of vector control stay zero.
    store_le<uint32_t>(&table_[i * entry_size + control_offset],
                       load_le<uint32_t>(&table_[i * entry_size + control_offset]) & 1);
    deliver_pending(i);
  }
}

void MsixTable::save(Writer& out) const {
  out.enter("msix", 1);
  out.put(enabled_, function_masked_);
  out.put_block(table_);
  out.put_block(pending_);
  out.leave();
}

Result<void> MsixTable::restore(Reader& in) {
  STRATA_TRY(in.enter("msix", 1));
  in.get(enabled_, function_masked_);
  const auto table = in.get_block(table_.size());
  const auto pending = in.get_block(pending_.size());
  if (in.good() && (table.size() != table_.size() || pending.size() != pending_.size())) {
    in.reject("another number of vectors");
  }
  STRATA_TRY(in.leave());
  std::ranges::copy(table, table_.begin());
  std::ranges::copy(pending, pending_.begin());
  return {};
}

}  // namespace strata::devices
