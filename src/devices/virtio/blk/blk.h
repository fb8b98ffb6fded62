// Blk: the virtio block device (virtio 1.2, section 5.2).
#pragma once

#include <array>
#include <memory>
#include <string>

#include "devices/virtio/core/device.h"
#include "iface/block_store.h"

namespace strata::devices::virtio {

class Blk final : public Device {
 public:
  /// `store` outlives the device, or is destroyed just before it; `serial` is what the guest sees of the disk's
  /// identity, at most 20 characters.
  Blk(memory::AddressSpace& memory, iface::BlockStore& store, std::string serial);
  ~Blk() override;

 protected:
  uint64_t device_features() const override;
  std::span<const std::byte> config() override { return config_; }
  void serve(unsigned index) override;
  void reset_device() override { ++generation_; }

 private:
  struct Request;
  using RequestPointer = std::shared_ptr<Request>;  // shared with the store's callback, which std::function copies

  void begin(Chain chain);
  void read(RequestPointer request, uint64_t sector);
  void write(RequestPointer request, uint64_t sector);
  void flush(RequestPointer request);
  void identify(RequestPointer request);
  void change_ranges(RequestPointer request);
  void change_next_range(RequestPointer request);
  /// A callback for the store: `then` if the device still lives, this reset has not come since, and all went well.
  iface::BlockStore::Done when_done(RequestPointer request, void (Blk::*then)(RequestPointer));
  void copy_to_driver(RequestPointer request);
  void finish_write(RequestPointer request);
  void succeed(RequestPointer request);
  void end(const RequestPointer& request, uint8_t status, uint32_t written);

  iface::BlockStore& store_;
  const std::string serial_;
  std::array<std::byte, 60> config_ = {};
  uint64_t bytes_in_flight_ = 0;
  uint64_t generation_ = 0;     ///< counts resets
  std::shared_ptr<Blk*> self_;  // callbacks that come after the destructor find it gone
};

}  // namespace strata::devices::virtio
