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
constexpr unsigned feature_guest_tso4 = 7;
constexpr unsigned feature_guest_tso6 = 8;
constexpr unsigned feature_guest_ecn = 9;
constexpr unsigned feature_host_tso4 = 11;
constexpr unsigned feature_host_tso6 = 12;
constexpr unsigned feature_host_ecn = 13;
constexpr unsigned feature_mergeable = 15;
constexpr unsigned feature_status = 16;
constexpr unsigned feature_ctrl_vq = 17;
constexpr unsigned feature_ctrl_rx = 18;
constexpr unsigned feature_ctrl_mac_addr = 23;
constexpr unsigned feature_guest_uso4 = 54;
constexpr unsigned feature_guest_uso6 = 55;
constexpr unsigned feature_host_uso = 56;

/// Configuration space (5.1.4).
constexpr unsigned config_status = 6;
constexpr unsigned config_mtu = 10;
constexpr uint16_t status_link_up = 1;

/// The header in front of each frame (5.1.6).
constexpr size_t header_size = 12;
constexpr size_t header_num_buffers = iface::Offload::header_size;

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
  port_.connect(
      [this](std::span<const std::byte> frame, const iface::Offload& offload) { take_from_port(frame, offload); });
}

Net::~Net() {
  port_.accept({});
  port_.connect([](std::span<const std::byte>, const iface::Offload&) {});
}

uint64_t Net::device_features() const {
  uint64_t features = feature_bit(feature_csum) | feature_bit(feature_guest_csum) | feature_bit(feature_mac) |
                      feature_bit(feature_mergeable) | feature_bit(feature_status) | feature_bit(feature_ctrl_vq) |
                      feature_bit(feature_ctrl_rx) | feature_bit(feature_ctrl_mac_addr);
  if (options_.mtu) features |= feature_bit(feature_mtu);
  if (port_.takes_offloads()) {
    for (const unsigned feature :
         {feature_host_tso4, feature_host_tso6, feature_host_ecn, feature_host_uso, feature_guest_tso4,
          feature_guest_tso6, feature_guest_ecn, feature_guest_uso4, feature_guest_uso6}) {
      features |= feature_bit(feature);
    }
  }
  return features;
}

void Net::accept_offloads() {
  port_.accept({.checksum = has_feature(feature_guest_csum),
                .tcp4 = has_feature(feature_guest_tso4),
                .tcp6 = has_feature(feature_guest_tso6),
                .ecn = has_feature(feature_guest_ecn),
                .udp_l4 = has_feature(feature_guest_uso4) && has_feature(feature_guest_uso6)});
}

void Net::reset_device() {
  std::memcpy(config_.data(), options_.mac.data(), options_.mac.size());
  waiting_.clear();
  waiting_bytes_ = 0;
  port_.accept({});
}

void Net::set_link(bool up) {
  if (link_up_ == up) return;
  link_up_ = up;
  store_le<uint16_t>(&config_[config_status], up ? status_link_up : 0);
  config_changed();
}

void Net::serve(unsigned index) {
  switch (index) {
    case receive_queue: accept_offloads(); return deliver();
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
      auto offload = iface::Offload::read(header.first<iface::Offload::header_size>());
      if (prepare(offload, frame)) port_.send(frame, offload);
    }
    queue(transmit_queue).put(chain.head(), 0);
  }
  finish(transmit_queue);
}

// What asks for more than was offered is lost, as any frame that is not understood.
bool Net::prepare(iface::Offload& offload, std::span<std::byte> frame) const {
  using Gso = iface::Offload::Gso;
  const bool offered = offload.gso == Gso::tcp4 || offload.gso == Gso::tcp6 || offload.gso == Gso::udp_l4;
  if (offload.gso != Gso::none && !(offered && port_.takes_offloads() && offload.needs_checksum)) return false;
  offload.checksum_valid = false;  // not for drivers to say (5.1.6.2)
  if (!offload.needs_checksum) return true;
  const size_t start = offload.checksum_start, place = start + offload.checksum_offset;
  if (start >= frame.size() || place + 2 > frame.size()) return false;
  if (port_.takes_offloads()) return true;
  // The driver has put the sum of the pseudo header there, which the rest is added to (5.1.6.2).
  uint16_t checksum = internet_checksum(frame.subspan(start));
  if (checksum == 0) checksum = 0xffff;  // the same number; but zero says "none" in UDP
  store_be<uint16_t>(&frame[place], checksum);
  offload = {};
  return true;
}

void Net::take_from_port(std::span<const std::byte> frame, const iface::Offload& offload) {
  if (!ready(receive_queue) || !link_up_ || frame.size() < shortest_frame || frame.size() > longest_frame) return;
  if (waiting_.empty() && deliver_one(frame, offload)) return finish(receive_queue);
  if (waiting_bytes_ + frame.size() > most_waiting_bytes) return;
  waiting_bytes_ += frame.size();
  waiting_.push_back({{frame.begin(), frame.end()}, offload});
}

void Net::deliver() {
  while (!waiting_.empty() && deliver_one(waiting_.front().bytes, waiting_.front().offload)) {
    waiting_bytes_ -= waiting_.front().bytes.size();
    waiting_.pop_front();
  }
  finish(receive_queue);
}

// 5.1.6.4: a frame fills one request, or several where the driver can merge them; it sees all of them at once.
bool Net::deliver_one(std::span<const std::byte> frame, const iface::Offload& offload) {
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
  if (has_feature(feature_guest_csum)) offload.write(std::span(header).first<iface::Offload::header_size>());
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
