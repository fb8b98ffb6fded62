// The MSI-X table and pending bits of one PCI function (PCI 3.0, section 6.8.2), as the contents of a memory BAR.
#pragma once

#include <span>
#include <vector>

#include "devices/saved_state.h"
#include "iface/bus_device.h"
#include "iface/irq.h"

namespace strata::devices {

class MsixTable final : public iface::BusDevice {
 public:
  static constexpr unsigned max_vectors = 2048;

  /// 1 to max_vectors.
  MsixTable(unsigned vectors, iface::MsiTarget& target);

  unsigned vectors() const { return static_cast<unsigned>(table_.size() / entry_size); }
  uint64_t bar_size() const;  ///< a power of two: the table at offset 0, the pending bits behind it
  uint32_t pending_offset() const { return pending_offset_; }

  /// The function's message control register: what is pending goes out when a mask falls.
  void set_control(bool enabled, bool function_masked);
  bool enabled() const { return enabled_; }

  /// Sends the vector's message, or notes it as pending while it is masked. A vector that does not exist is ignored.
  void send(unsigned vector);

  uint64_t read(uint64_t offset, unsigned size) override;
  void write(uint64_t offset, unsigned size, uint64_t value) override;

  void reset();
  void save(Writer& out) const;
  Result<void> restore(Reader& in);

 private:
  static constexpr unsigned entry_size = 16;  ///< address, data, vector control

  bool masked(unsigned vector) const;
  void deliver(unsigned vector);
  void deliver_pending(unsigned vector);

  iface::MsiTarget& target_;
  std::vector<std::byte> table_;
  std::vector<std::byte> pending_;  ///< a bit each, in whole 64-bit words
  uint32_t pending_offset_;
  bool enabled_ = false;
  bool function_masked_ = false;
};

}  // namespace strata::devices
