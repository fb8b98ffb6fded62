// PciDevice: configuration space, BAR mapping and interrupts of one PCI function.
#include "devices/pci/pci_device.h"

#include <algorithm>
#include <bit>

#include "base/assert.h"
#include "base/bits.h"
#include "devices/pci/pci_bus.h"

namespace strata::devices {
namespace {

// BAR flag bits (PCI 3.0, 6.2.5.1).
constexpr uint32_t bar_io = 1;
constexpr uint32_t bar_64 = 1 << 2;
constexpr uint32_t bar_prefetchable = 1 << 3;
constexpr uint64_t io_mask = ~uint64_t{3};
constexpr uint64_t memory_mask = ~uint64_t{15};

constexpr unsigned msix_control = 2;  // offset of message control in the capability
constexpr uint16_t msix_enable = 1 << 15;
constexpr uint16_t msix_function_mask = 1 << 14;

constexpr uint64_t physical_limit = uint64_t{1} << 52;
constexpr uint64_t port_limit = 0x10000;

// RAM and the fixed devices stand above whatever a guest maps on top of them.
constexpr int bar_priority = -1;

constexpr unsigned bar_offset(unsigned index) { return pci::bar0 + 4 * index; }

}  // namespace

PciDevice::PciDevice(PciBus& bus, std::optional<PciAddress> address, const Identity& identity)
    : bus_(bus), name_(identity.name), pin_(identity.interrupt_pin) {
  STRATA_ASSERT(pin_ <= 4);
  std::byte* config = config_.data();
  store_le<uint16_t>(config + pci::vendor_id, identity.vendor);
  store_le<uint16_t>(config + pci::device_id, identity.device);
  store_le<uint32_t>(config + pci::revision_id, identity.class_code << 8 | identity.revision);
  store_le<uint16_t>(config + pci::subsystem_vendor_id, identity.subsystem_vendor);
  store_le<uint16_t>(config + pci::subsystem_id, identity.subsystem);
  config_[pci::interrupt_pin] = std::byte{pin_};
  allow_config_writes(pci::command, pci::io_space | pci::memory_space | pci::bus_master | pci::parity_response |
                                        pci::serr_enable | pci::interrupt_disable);
  allow_config_writes(pci::cache_line_size, 0xffff);  // and the latency timer
  allow_config_writes(pci::interrupt_line, 0xff);
  address_ = bus_.attach(*this, address);
}

PciDevice::~PciDevice() {
  set_interrupt(false);
  for (unsigned i = 0; i < pci::bar_count; ++i) update_bar(i, std::nullopt);
  bus_.detach(*this);
}

memory::AddressSpace& PciDevice::memory() { return bus_.memory(); }

void PciDevice::allow_config_writes(unsigned offset, uint32_t mask) {
  STRATA_ASSERT(offset + 4 <= pci::config_size);
  for (unsigned i = 0; i < 4; ++i) writable_[offset + i] = static_cast<std::byte>(mask >> (8 * i));
}

void PciDevice::declare_bar(unsigned index, const Bar& bar, uint32_t flags) {
  STRATA_ASSERT(index + (bar.is_64 ? 1 : 0) < pci::bar_count && !bars_[index].present);
  STRATA_ASSERT(is_power_of_two(bar.size) && bar.size >= (bar.is_io ? 4 : 16));
  bars_[index] = bar;
  store_le<uint32_t>(&config_[bar_offset(index)], flags);
  const uint64_t mask = ~(bar.size - 1) & (bar.is_io ? io_mask & (port_limit - 1) : memory_mask);
  allow_config_writes(bar_offset(index), static_cast<uint32_t>(mask));
  if (bar.is_64) allow_config_writes(bar_offset(index + 1), static_cast<uint32_t>(mask >> 32));
}

void PciDevice::add_memory_bar(unsigned index, uint64_t size, iface::BusDevice& device, BarKind kind) {
  const bool is_64 = kind != BarKind::memory32;
  const uint32_t flags = (is_64 ? bar_64 : 0) | (kind == BarKind::memory64_prefetchable ? bar_prefetchable : 0);
  declare_bar(index, {.present = true, .is_64 = is_64, .size = size, .device = &device}, flags);
}

void PciDevice::add_io_bar(unsigned index, uint32_t size, iface::BusDevice& device) {
  STRATA_ASSERT(size <= 256);  // 6.2.5.1: more than 256 bytes of I/O space per BAR is not allowed
  declare_bar(index, {.present = true, .is_io = true, .size = size, .device = &device}, bar_io);
}

unsigned PciDevice::add_capability(uint8_t id, std::span<const std::byte> body, std::span<const std::byte> writable) {
  const unsigned offset = next_capability_;
  STRATA_ASSERT(offset + 2 + body.size() <= pci::config_size && writable.size() <= body.size());
  config_[offset] = std::byte{id};
  std::ranges::copy(body, config_.begin() + offset + 2);
  std::ranges::copy(writable, writable_.begin() + offset + 2);
  config_[last_capability_ != 0 ? last_capability_ + 1 : unsigned{pci::capabilities}] = static_cast<std::byte>(offset);
  config_[pci::status] |= std::byte{pci::capability_list};
  last_capability_ = offset;
  next_capability_ = align_up(offset + 2 + static_cast<unsigned>(body.size()), 4u);
  return offset;
}

void PciDevice::add_msix(unsigned bar, unsigned vectors) {
  STRATA_ASSERT(!msix_);
  msix_ = std::make_unique<MsixTable>(vectors, bus_.msi_target());
  add_memory_bar(bar, msix_->bar_size(), *msix_);
  std::array<std::byte, 10> body;  // message control, table offset and BAR, pending bits' offset and BAR (6.8.2)
  store_le<uint16_t>(&body[0], static_cast<uint16_t>(vectors - 1));
  store_le<uint32_t>(&body[2], bar);
  store_le<uint32_t>(&body[6], msix_->pending_offset() | bar);
  std::array<std::byte, 2> writable;
  store_le<uint16_t>(&writable[0], msix_enable | msix_function_mask);
  msix_capability_ = add_capability(pci::msi_x, body, writable);
}

void PciDevice::send_msix(unsigned vector) {
  if (msix_ && is_bus_master()) msix_->send(vector);
}

void PciDevice::set_interrupt(bool level) {
  interrupt_ = level;
  update_interrupt();
}

void PciDevice::update_interrupt() {
  const bool driven = interrupt_ && !test_command(pci::interrupt_disable);
  config_[pci::status] &= ~std::byte{pci::interrupt_status};
  if (interrupt_) config_[pci::status] |= std::byte{pci::interrupt_status};
  if (driven == interrupt_driven_ || pin_ == 0) return;
  interrupt_driven_ = driven;
  bus_.set_intx(address_, pin_, driven);
}

bool PciDevice::test_command(uint16_t bits) const { return (load_le<uint16_t>(&config_[pci::command]) & bits) == bits; }

uint32_t PciDevice::read_config(unsigned offset, unsigned size) {
  uint32_t value = 0;
  for (unsigned i = 0; i < size && offset + i < pci::config_size; ++i) {
    value |= std::to_integer<uint32_t>(config_[offset + i]) << (8 * i);
  }
  return value;
}

void PciDevice::write_config(unsigned offset, unsigned size, uint32_t value) {
  for (unsigned i = 0; i < size && offset + i < pci::config_size; ++i) {
    write_byte(offset + i, static_cast<uint8_t>(value >> (8 * i)));
  }
  config_changed();
}

void PciDevice::write_byte(unsigned offset, uint8_t value) {
  const std::byte mask = writable_[offset];
  config_[offset] = (config_[offset] & ~mask) | (std::byte{value} & mask);
}

void PciDevice::config_changed() {
  update_bars();
  update_interrupt();
  if (msix_) {
    const auto control = load_le<uint16_t>(&config_[msix_capability_ + msix_control]);
    const bool enabled = (control & msix_enable) != 0;
    msix_->set_control(enabled, (control & msix_function_mask) != 0);
  }
}

uint64_t PciDevice::bar_address(unsigned index) const {
  const Bar& bar = bars_[index];
  uint64_t address = load_le<uint32_t>(&config_[bar_offset(index)]);
  if (bar.is_64) address |= uint64_t{load_le<uint32_t>(&config_[bar_offset(index + 1)])} << 32;
  return address & (bar.is_io ? io_mask : memory_mask);
}

void PciDevice::set_bar_address(unsigned index, uint64_t address) {
  write_config(bar_offset(index), 4, static_cast<uint32_t>(address));
  if (bars_[index].is_64) write_config(bar_offset(index + 1), 4, static_cast<uint32_t>(address >> 32));
}

void PciDevice::update_bars() {
  for (unsigned i = 0; i < pci::bar_count; ++i) {
    const Bar& bar = bars_[i];
    if (!bar.present) continue;
    const uint64_t base = bar_address(i);
    const uint64_t limit = bar.is_io ? port_limit : physical_limit;
    const bool visible =
        test_command(bar.is_io ? pci::io_space : pci::memory_space) && base != 0 && base <= limit - bar.size;
    update_bar(i, visible ? std::optional(base) : std::nullopt);
  }
}

void PciDevice::update_bar(unsigned index, std::optional<uint64_t> wanted) {
  Bar& bar = bars_[index];
  if (bar.mapped == wanted) return;
  if (bar.is_io) {
    if (bar.mapped) bus_.ports().remove(*bar.device);
    if (wanted) bus_.ports().add(static_cast<uint16_t>(*wanted), static_cast<uint32_t>(bar.size), *bar.device);
  } else {
    if (bar.mapped && wanted) {
      bus_.memory().move(bar.region, *wanted);
    } else if (bar.mapped) {
      bus_.memory().remove(bar.region);
    } else {
      bar.region = bus_.memory().add({.name = fmt::format("{} BAR {}", name_, index),
                                      .base = *wanted,
                                      .size = bar.size,
                                      .kind = memory::Kind::device,
                                      .device = bar.device,
                                      .priority = bar_priority});
    }
  }
  bar.mapped = wanted;
}

void PciDevice::reset() {
  for (unsigned i = 0; i < pci::config_size; ++i) config_[i] &= ~writable_[i];
  if (msix_) msix_->reset();
  interrupt_ = false;
  config_changed();
}

void PciDevice::save(Writer& out) const {
  out.enter("pci-function", 1);
  out.put_block(config_);
  out.put(interrupt_);
  if (msix_) msix_->save(out);
  out.leave();
}

Result<void> PciDevice::restore(Reader& in) {
  STRATA_TRY(in.enter("pci-function", 1));
  const auto saved = in.get_block(pci::config_size);
  in.get(interrupt_);
  if (in.good() && saved.size() != pci::config_size) in.reject("configuration space is not 256 bytes");
  if (msix_) STRATA_TRY(msix_->restore(in));
  STRATA_TRY(in.leave());
  // Only what the guest can write comes from the blob: the rest is what this device is.
  for (unsigned i = 0; i < pci::config_size; ++i) write_byte(i, std::to_integer<uint8_t>(saved[i]));
  config_changed();
  return {};
}

}  // namespace strata::devices
