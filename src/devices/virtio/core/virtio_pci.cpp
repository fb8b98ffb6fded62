// The virtio structures in configuration space and BAR, and interrupts by MSI-X or INTx.
#include "devices/virtio/core/virtio_pci.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/bits.h"

namespace strata::devices::virtio {
namespace {

/// Kinds of structures that a capability leads to (4.1.4).
enum StructureType : uint8_t { common_cfg = 1, notify_cfg = 2, isr_cfg = 3, device_cfg = 4, pci_cfg = 5 };

/// Offsets in the pci_cfg capability, from its header (4.1.4.9).
constexpr unsigned window_bar = 4;
constexpr unsigned window_target = 8;
constexpr unsigned window_length = 12;
constexpr unsigned window_data = 16;
constexpr unsigned window_end = 20;

/// Bits of the ISR status (4.1.4.5).
constexpr uint8_t isr_queue = 1;
constexpr uint8_t isr_config = 2;

/// Offsets in the common configuration structure (4.1.4.3).
enum CommonField : unsigned {
  device_feature_select = 0,
  device_feature = 4,
  driver_feature_select = 8,
  driver_feature = 12,
  config_msix_vector = 16,
  num_queues = 18,
  device_status = 20,
  config_generation = 21,
  queue_select = 22,
  queue_size = 24,
  queue_msix_vector = 26,
  queue_enable = 28,
  queue_notify_off = 30,
  queue_desc = 32,
  queue_driver = 40,
  queue_device = 48,
};

struct WritableField {
  CommonField offset;
  unsigned size;
};
/// Those that the driver writes, in the order in which one access writes them.
constexpr WritableField writable_fields[] = {
    {device_feature_select, 4},
    {driver_feature_select, 4},
    {driver_feature, 4},
    {config_msix_vector, 2},
    {device_status, 1},
    {queue_select, 2},
    {queue_size, 2},
    {queue_msix_vector, 2},
    {queue_desc, 8},
    {queue_driver, 8},
    {queue_device, 8},
    {queue_enable, 2},
};

uint32_t half_of(uint64_t features, uint32_t select) {
  return select < 2 ? static_cast<uint32_t>(features >> (32 * select)) : 0;
}

uint64_t load_number(const std::byte* from, unsigned size) {
  uint64_t value = 0;
  for (unsigned i = 0; i < size; ++i) value |= std::to_integer<uint64_t>(from[i]) << (8 * i);
  return value;
}

void store_number(std::byte* to, unsigned size, uint64_t value) {
  for (unsigned i = 0; i < size; ++i) to[i] = static_cast<std::byte>(value >> (8 * i));
}

uint32_t class_of(DeviceType type) {
  switch (type) {
    case DeviceType::net: return pci::network_ethernet;
    case DeviceType::block: return pci::storage_scsi;
    case DeviceType::console: return pci::communication_other;
    case DeviceType::rng: return pci::unclassified;
  }
  return pci::unclassified;
}

PciDevice::Identity identity_of(const Device& device) {
  const auto type = static_cast<uint16_t>(device.type());
  // 4.1.2.1: a device without the legacy interface counts from 0x1040 and has a revision of 1 or more; a subsystem id
  // of 0x40 or more keeps legacy drivers away.
  return {.name = device.name(),
          .vendor = 0x1af4,
          .device = static_cast<uint16_t>(0x1040 + type),
          .revision = 1,
          .class_code = class_of(device.type()),
          .subsystem_vendor = 0x1af4,
          .subsystem = static_cast<uint16_t>(0x1100 + type)};
}

}  // namespace

VirtioPci::VirtioPci(PciBus& bus, std::optional<PciAddress> address, std::unique_ptr<Device> device)
    : PciDevice(bus, address, identity_of(*device)),
      device_(std::move(device)),
      queue_vectors_(device_->queue_count(), no_vector) {
  add_memory_bar(registers_bar, bar_size, registers_);
  add_structures();
  add_window();
  add_msix(msix_bar, device_->queue_count() + 1);
  device_->connect(*this);
}

VirtioPci::~VirtioPci() = default;

unsigned VirtioPci::add_structure(uint8_t type, uint32_t offset, uint32_t length, std::span<const std::byte> more) {
  std::array<std::byte, 18> body = {};  // cap_len, cfg_type, bar, id, padding, offset, length (4.1.4), and more
  const size_t size = 14 + more.size();
  body[0] = static_cast<std::byte>(2 + size);
  body[1] = std::byte{type};
  body[2] = std::byte{registers_bar};
  store_le<uint32_t>(&body[6], offset);
  store_le<uint32_t>(&body[10], length);
  std::ranges::copy(more, body.begin() + 14);
  return add_capability(pci::vendor_specific, std::span(body).first(size));
}

void VirtioPci::add_structures() {
  std::array<std::byte, 4> multiplier;
  store_le<uint32_t>(multiplier.data(), notify_multiplier);
  add_structure(common_cfg, common_offset, common_size);
  add_structure(isr_cfg, isr_offset, 1);
  add_structure(device_cfg, device_offset, structure_size);
  add_structure(notify_cfg, notify_offset, device_->queue_count() * notify_multiplier, multiplier);
}

void VirtioPci::add_window() {
  const std::array<std::byte, 4> data = {};
  window_ = add_structure(pci_cfg, 0, 0, data);
  allow_config_writes(window_ + window_bar, 0xff);
  allow_config_writes(window_ + window_target, 0xffffffff);
  allow_config_writes(window_ + window_length, 0xffffffff);
  allow_config_writes(window_ + window_data, 0xffffffff);
}

uint64_t VirtioPci::read_register(uint64_t offset, unsigned size) {
  if (offset >= notify_offset) return 0;
  std::array<std::byte, 8> bytes = {};
  if (offset >= device_offset) {
    device_->read_config(offset - device_offset, std::span(bytes).first(size));
  } else if (offset == isr_offset) {
    bytes[0] = std::byte{take_isr()};
  } else if (offset < common_size) {
    const Common common = read_common();
    std::memcpy(bytes.data(), common.data() + offset, std::min<size_t>(size, common_size - offset));
  }
  return load_number(bytes.data(), size);
}

void VirtioPci::write_register(uint64_t offset, unsigned size, uint64_t value) {
  if (offset >= notify_offset) {
    // Each queue has a place of its own; what is written there says the same (4.1.5.2).
    return device_->notify(static_cast<unsigned>((offset - notify_offset) / notify_multiplier));
  }
  if (offset >= device_offset) {
    std::array<std::byte, 8> bytes;
    store_number(bytes.data(), size, value);
    return device_->write_config(offset - device_offset, std::span(bytes).first(size));
  }
  if (offset < common_size) write_common(offset, size, value);
}

VirtioPci::Common VirtioPci::read_common() {
  Common bytes = {};
  const auto put = [&bytes]<class T>(unsigned field, T value) { store_le<T>(&bytes[field], value); };
  put(device_feature_select, device_feature_select_);
  put(device_feature, half_of(device_->offered_features(), device_feature_select_));
  put(driver_feature_select, driver_feature_select_);
  put(driver_feature, half_of(driver_features_, driver_feature_select_));
  put(config_msix_vector, config_vector_);
  put(num_queues, static_cast<uint16_t>(device_->queue_count()));
  put(device_status, device_->status());
  put(config_generation, device_->config_generation());
  put(queue_select, queue_select_);
  if (queue_select_ >= device_->queue_count()) return bytes;  // a queue of size 0 is none (4.1.4.3)
  const Queue& queue = device_->queue(queue_select_);
  put(queue_size, queue.layout().size);
  put(queue_msix_vector, queue_vectors_[queue_select_]);
  put(queue_enable, static_cast<uint16_t>(queue.enabled()));
  put(queue_notify_off, queue_select_);
  put(queue_desc, queue.layout().descriptors);
  put(queue_driver, queue.layout().available);
  put(queue_device, queue.layout().used);
  return bytes;
}

void VirtioPci::write_common(uint64_t offset, unsigned size, uint64_t value) {
  Common bytes = read_common();
  const auto end = static_cast<unsigned>(std::min<uint64_t>(offset + size, common_size));
  store_number(&bytes[offset], end - static_cast<unsigned>(offset), value);
  for (const auto& field : writable_fields) {
    if (offset < field.offset + field.size && field.offset < end) {
      apply_common(field.offset, load_number(&bytes[field.offset], field.size));
    }
  }
}

void VirtioPci::apply_common(unsigned field, uint64_t value) {
  switch (field) {
    case device_feature_select: device_feature_select_ = static_cast<uint32_t>(value); return;
    case driver_feature_select: driver_feature_select_ = static_cast<uint32_t>(value); return;
    case driver_feature:
      if (driver_feature_select_ >= 2) return;
      driver_features_ = insert_bits(driver_features_, 32 * driver_feature_select_, 32, value);
      return device_->set_driver_features(driver_features_);
    case config_msix_vector: config_vector_ = valid_vector(value); return;
    case device_status:
      if (value == 0) reset_transport();
      return device_->write_status(static_cast<uint8_t>(value));
    case queue_select: queue_select_ = static_cast<uint16_t>(value); return;
    default: return write_queue_field(field, value);
  }
}

void VirtioPci::write_queue_field(unsigned field, uint64_t value) {
  if (queue_select_ >= device_->queue_count()) return;
  Queue& queue = device_->queue(queue_select_);
  if (field == queue_msix_vector) {
    queue_vectors_[queue_select_] = valid_vector(value);
  } else if (queue.enabled()) {
    return;  // its layout is fixed until the device is reset
  } else if (field == queue_size) {
    queue.layout().size = static_cast<uint16_t>(value);
  } else if (field == queue_desc) {
    queue.layout().descriptors = value;
  } else if (field == queue_driver) {
    queue.layout().available = value;
  } else if (field == queue_device) {
    queue.layout().used = value;
  } else if (field == queue_enable && value == 1) {
    device_->enable_queue(queue_select_);
  }
}

uint16_t VirtioPci::valid_vector(uint64_t vector) const {
  return vector < msix_vectors() ? static_cast<uint16_t>(vector) : no_vector;
}

uint8_t VirtioPci::take_isr() {
  const uint8_t isr = std::exchange(isr_, 0);
  set_interrupt(false);
  return isr;
}

void VirtioPci::interrupt(uint16_t vector, uint8_t isr_bit) {
  if (msix_enabled()) {
    if (vector != no_vector) send_msix(vector);
    return;
  }
  isr_ |= isr_bit;
  set_interrupt(true);
}

void VirtioPci::queue_used(unsigned queue) { interrupt(queue_vectors_[queue], isr_queue); }

void VirtioPci::configuration_changed() { interrupt(config_vector_, isr_config); }

void VirtioPci::access_window(unsigned offset, unsigned size, bool writing) {
  if (offset + size <= window_ + window_data || offset >= window_ + window_end) return;
  std::byte* window = config().data() + window_;
  const auto bar = std::to_integer<unsigned>(window[window_bar]);
  const auto target = load_le<uint32_t>(window + window_target);
  const auto length = load_le<uint32_t>(window + window_length);
  const bool sensible = (length == 1 || length == 2 || length == 4) && target % length == 0;
  if (bar != registers_bar || !sensible || target > bar_size - length) return;
  if (writing) {
    write_register(target, length, load_number(window + window_data, length));
  } else {
    store_number(window + window_data, length, read_register(target, length));
  }
}

uint32_t VirtioPci::read_config(unsigned offset, unsigned size) {
  access_window(offset, size, false);
  return PciDevice::read_config(offset, size);
}

void VirtioPci::write_config(unsigned offset, unsigned size, uint32_t value) {
  PciDevice::write_config(offset, size, value);
  access_window(offset, size, true);
  if (msix_enabled()) take_isr();  // the wire is not for who has messages
}

void VirtioPci::reset_transport() {
  device_feature_select_ = driver_feature_select_ = 0;
  driver_features_ = 0;
  queue_select_ = 0;
  config_vector_ = no_vector;
  std::ranges::fill(queue_vectors_, no_vector);
  take_isr();
}

void VirtioPci::reset() {
  device_->reset();
  reset_transport();
  PciDevice::reset();
}

void VirtioPci::save(Writer& out) const {
  out.enter("virtio-pci", 1);
  PciDevice::save(out);
  out.put(device_feature_select_, driver_feature_select_, driver_features_, queue_select_, config_vector_, isr_);
  for (const uint16_t vector : queue_vectors_) out.put(vector);
  device_->save(out);
  out.leave();
}

Result<void> VirtioPci::restore(Reader& in) {
  STRATA_TRY(in.enter("virtio-pci", 1));
  STRATA_TRY(PciDevice::restore(in));
  in.get(device_feature_select_, driver_feature_select_, driver_features_, queue_select_, config_vector_, isr_);
  config_vector_ = valid_vector(config_vector_);
  for (uint16_t& vector : queue_vectors_) vector = valid_vector(in.get<uint16_t>());
  STRATA_TRY(device_->restore(in));
  return in.leave();
}

}  // namespace strata::devices::virtio
