// Net: the virtio network device (virtio 1.2, section 5.1).
#pragma once

#include <array>
#include <deque>
#include <optional>
#include <vector>

#include "devices/virtio/core/device.h"
#include "iface/net_port.h"

namespace strata::devices::virtio {

using MacAddress = std::array<uint8_t, 6>;

struct NetOptions {
  MacAddress mac = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};
  std::optional<uint16_t> mtu;  ///< told to the driver
};

class Net final : public Device {
 public:
  /// `port` outlives the device.
  Net(memory::AddressSpace& memory, iface::NetPort& port, const NetOptions& options);
  ~Net() override;

  /// Whether the cable is in.
  void set_link(bool up);

 protected:
  uint64_t device_features() const override;
  std::span<const std::byte> config() override { return config_; }
  void serve(unsigned index) override;
  void reset_device() override;
  void save_device(Writer& out) const override;
  void restore_device(Reader& in) override;

 private:
  struct Frame {
    std::vector<std::byte> bytes;
    iface::Offload offload;
  };

  void transmit();
  /// Whether the port can take a frame that the driver says this of; the checksum is filled in where the port does not.
  bool prepare(iface::Offload& offload, std::span<std::byte> frame) const;

  /// Tells the port what the driver does itself.
  void accept_offloads();
  void take_from_port(std::span<const std::byte> frame, const iface::Offload& offload);
  /// Hands over what waits, as far as the driver has buffers.
  void deliver();
  bool deliver_one(std::span<const std::byte> frame, const iface::Offload& offload);

  void control();
  uint8_t obey(const Chain& command);

  iface::NetPort& port_;
  const NetOptions options_;
  std::array<std::byte, 12> config_ = {};
  bool link_up_ = true;
  std::vector<std::byte> sending_;  ///< the frame that transmit() is at; kept for its memory
  std::deque<Frame> waiting_;       ///< came when the driver had no buffers
  size_t waiting_bytes_ = 0;
};

}  // namespace strata::devices::virtio
