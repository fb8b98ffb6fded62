// Frames between the driver's buffers and a network port.
#include "devices/virtio/net/net.h"

#include <algorithm>
#include <cstring>

#include "base/bits.h"
#include "base/internet_checksum.h"

namespace strata::devices::virtio {
namespace {

constexpr uint16_t queue_sizes[] = {256, 256, 64};
constexpr unsigned receive_queue = 0;
constexpr unsigned transmit_queue = 1;
constexpr unsigned control_queue = 2;

/// Features (5.1.3).
constexpr unsigned feature_csum = 0;
constexpr unsigned feature_guest_csum = 1;
constexpr unsigned feature_mtu = 3;
constexpr unsigned feature_mac = 5;
constexpr unsigned feature_mergeable = 15;
constexpr unsigned feature_status = 16;
constexpr unsigned feature_ctrl_vq = 17;
constexpr unsigned feature_ctrl_rx = 18;
constexpr unsigned feature_ctrl_mac_addr = 23;

/// Configuration space (5.1.4).
constexpr unsigned config_status = 6;
constexpr unsigned config_mtu = 10;
constexpr uint16_t status_link_up = 1;

/// The header in front of each frame (5.1.6).
constexpr size_t header_size = 12;
constexpr size_t header_flags = 0;
constexpr size_t header_gso_type = 1;
constexpr size_t header_csum_start = 6;
constexpr size_t header_csum_offset = 8;
constexpr size_t header_num_buffers = 10;
constexpr uint8_t needs_csum = 1;
constexpr uint8_t data_valid = 2;

/// Control commands (5.1.6.5).
constexpr uint8_t class_rx = 0;
constexpr uint8_t class_mac = 1;
constexpr uint8_t mac_table_set = 0;
constexpr uint8_t mac_addr_set = 1;
constexpr uint8_t control_ok = 0;
constexpr uint8_t control_error = 1;
constexpr uint64_t most_command_bytes = 1 << 16;

// What iface::NetPort carries.
constexpr size_t shortest_frame = 14;
constexpr size_t longest_frame = 65550;

constexpr size_t most_waiting_bytes = 1 << 20;

}  // namespace

Net::Net(memory::AddressSpace& memory, iface::NetPort& port, const NetOptions& options)
    : Device("virtio-net", DeviceType::net, memory, queue_sizes), port_(port), options_(options) {
  reset_device();
  store_le<uint16_t>(&config_[config_status], status_link_up);
  if (options_.mtu) store_le<uint16_t>(&config_[config_mtu], *options_.mtu);
  port_.connect([this](std::span<const std::byte> frame) { take_from_port(frame); });
}

Net::~Net() {
  port_.connect([](std::span<const std::byte>) {});
}

uint64_t Net::device_features() const {
  return feature_bit(feature_csum) | feature_bit(feature_guest_csum) | feature_bit(feature_mac) |
         feature_bit(feature_mergeable) | feature_bit(feature_status) | feature_bit(feature_ctrl_vq) |
         feature_bit(feature_ctrl_rx) | feature_bit(feature_ctrl_mac_addr) |
         (options_.mtu ? feature_bit(feature_mtu) : 0);
}

void Net::reset_device() {
  std::memcpy(config_.data(), options_.mac.data(), options_.mac.size());
  waiting_.clear();
  waiting_bytes_ = 0;
}

void Net::set_link(bool up) {
  if (link_up_ == up) return;
  link_up_ = up;
  store_le<uint16_t>(&config_[config_status], up ? status_link_up : 0);
  config_changed();
}

void Net::serve(unsigned index) {
  switch (index) {
    case receive_queue: return deliver();
    case transmit_queue: return transmit();
    case control_queue: return control();
  }
}

void Net::transmit() {
  Chain chain;
  while (next(transmit_queue, chain)) {
    const uint64_t size = chain.readable_size();
    if (size >= header_size + shortest_frame && size <= header_size + longest_frame && link_up_) {
      sending_.resize(size);
      chain.read(0, sending_);
      const auto header = std::span(sending_).first(header_size);
      const auto frame = std::span(sending_).subspan(header_size);
      // Segmentation is not offered: a frame that asks for it is lost, as any that is not understood.
      const bool plain = header[header_gso_type] == std::byte{0};
      if (plain && complete_checksum(header, frame)) port_.send(frame);
    }
    queue(transmit_queue).put(chain.head(), 0);
  }
  finish(transmit_queue);
}

bool Net::complete_checksum(std::span<const std::byte> header, std::span<std::byte> frame) const {
  if (!(std::to_integer<uint8_t>(header[header_flags]) & needs_csum)) return true;
  const size_t start = load_le<uint16_t>(&header[header_csum_start]);
  const size_t place = start + load_le<uint16_t>(&header[header_csum_offset]);
  if (start >= frame.size() || place + 2 > frame.size()) return false;
  // The driver has put the sum of the pseudo header there, which the rest is added to (5.1.6.2).
  uint16_t checksum = internet_checksum(frame.subspan(start));
  if (checksum == 0) checksum = 0xffff;  // the same number; but zero says "none" in UDP
  store_be<uint16_t>(&frame[place], checksum);
  return true;
}

void Net::take_from_port(std::span<const std::byte> frame) {
  if (!ready(receive_queue) || !link_up_ || frame.size() < shortest_frame || frame.size() > longest_frame) return;
  if (waiting_.empty() && deliver_one(frame)) return finish(receive_queue);
  if (waiting_bytes_ + frame.size() > most_waiting_bytes) return;
  waiting_bytes_ += frame.size();
  waiting_.emplace_back(frame.begin(), frame.end());
}

void Net::deliver() {
  while (!waiting_.empty() && deliver_one(waiting_.front())) {
    waiting_bytes_ -= waiting_.front().size();
    waiting_.pop_front();
  }
  finish(receive_queue);
}

// 5.1.6.4: a frame fills one request, or several where the driver can merge them; it sees all of them at once.
bool Net::deliver_one(std::span<const std::byte> frame) {
  const bool mergeable = has_feature(feature_mergeable);
  const size_t total = header_size + frame.size();
  std::vector<Chain> chains;
  uint64_t room = 0;
  Chain chain;
  while (room < total && (mergeable || chains.empty()) && next(receive_queue, chain)) {
    if (chain.writable_size() < header_size) {
      reject(receive_queue, "a buffer for frames that has not even room for their header");
      return false;
    }
    room += chain.writable_size();
    chains.push_back(std::move(chain));
  }
  if (room < total && (mergeable || chains.empty())) {
    for (auto last = chains.rbegin(); last != chains.rend(); ++last) queue(receive_queue).unpop(*last);
    return false;
  }
  std::array<std::byte, header_size> header = {};
  if (has_feature(feature_guest_csum) && port_.checksums_are_right()) header[header_flags] = std::byte{data_valid};
  store_le<uint16_t>(&header[header_num_buffers], static_cast<uint16_t>(chains.size()));
  chains[0].write(0, header);
  // A driver that gives one short buffer gets what fits; there is no way to tell it of the rest.
  uint64_t at = chains[0].write(header_size, frame);
  queue(receive_queue).put(chains[0].head(), static_cast<uint32_t>(header_size + at));
  for (size_t i = 1; i < chains.size(); ++i) {
    const size_t part = chains[i].write(0, frame.subspan(at));
    queue(receive_queue).put(chains[i].head(), static_cast<uint32_t>(part));
    at += part;
  }
  return true;
}

void Net::control() {
  Chain chain;
  while (next(control_queue, chain)) {
    if (chain.writable_size() < 1) return reject(control_queue, "a control command without room for the answer");
    const std::byte answer{obey(chain)};
    queue(control_queue).put(chain.head(), static_cast<uint32_t>(chain.write(0, {&answer, 1})));
  }
  finish(control_queue);
}

uint8_t Net::obey(const Chain& command) {
  if (command.readable_size() < 2 || command.readable_size() > most_command_bytes) return control_error;
  switch (command.read_le<uint8_t>(0)) {
    case class_rx:  // which frames to filter: the driver gets all, and drops what it does not want
      return command.readable_size() >= 3 ? control_ok : control_error;
    case class_mac: {
      const auto what = command.read_le<uint8_t>(1);
      if (what == mac_table_set) return control_ok;  // a filter too
      if (what != mac_addr_set || command.readable_size() != 2 + options_.mac.size()) return control_error;
      command.read(2, std::span(config_).first(options_.mac.size()));
      return control_ok;
    }
    default: return control_error;
  }
}

// Frames that wait are not saved: a network loses some.
void Net::save_device(Writer& out) const {
  out.put_bytes(std::span(config_).first(options_.mac.size()));
  out.put(link_up_);
}

void Net::restore_device(Reader& in) {
  in.get_bytes(std::span(config_).first(options_.mac.size()));
  in.get(link_up_);
  store_le<uint16_t>(&config_[config_status], link_up_ ? status_link_up : 0);
}

}  // namespace strata::devices::virtio
