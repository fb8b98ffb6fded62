// For tests: RAM, a PCI bus and interrupts that are written down; and a driver of our own for one virtio device.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bits.h"
#include "devices/pci/pci.h"
#include "devices/virtio/core/virtio_pci.h"
#include "memory/address_space.h"
#include "memory/port_space.h"
#include "memory/ram.h"

namespace strata::devices::virtio {

struct MessageLog final : iface::MsiTarget {
  void send(uint64_t address, uint32_t data) override { messages.emplace_back(address, data); }
  std::vector<std::pair<uint64_t, uint32_t>> messages;
};

struct WireLog final : iface::IrqLine {
  void set(bool to) override { level = to; }
  bool level = false;
};

struct TestMachine {
  static constexpr uint64_t ram_size = 4 << 20;

  TestMachine() {
    memory.add({.name = "ram", .base = 0, .size = ram_size, .kind = memory::Kind::ram});
    for (unsigned i = 0; i < wires.size(); ++i) bus.connect_intx(i, wires[i]);
  }

  memory::DeviceLock lock;
  std::unique_ptr<memory::Ram> ram = std::move(memory::Ram::make(ram_size).value());
  memory::AddressSpace memory{*ram, lock};
  memory::PortSpace ports{lock};
  MessageLog msi;
  PciBus bus{memory, ports, msi};
  std::array<WireLog, PciBus::intx_lines> wires;
};

/// Speaks to a device as a guest does: through configuration space, BAR and RAM only, after the specification and not
/// after the device's code. Rings and buffers stand in RAM at places of its own.
class TestDriver {
 public:
  struct Part {
    std::vector<std::byte> bytes;  ///< to read; or room of this size, if writable
    bool writable = false;
  };
  struct Used {
    uint32_t id, written;
  };

  static constexpr uint64_t bar_address = 0xe0000000;
  static constexpr uint64_t msix_address = 0xe0100000;
  static constexpr uint64_t rings = 0x10000;      ///< each queue has 64 KiB
  static constexpr uint64_t indirect = 0x200000;  ///< one table of a page for each descriptor
  static constexpr uint64_t buffers = 0x300000;

  TestDriver(TestMachine& machine, VirtioPci& device) : machine_(machine), devfn_(device.address().devfn()) {
    find_structures();
    write_config(0x10 + 4 * VirtioPci::registers_bar, 4, bar_address);
    write_config(0x10 + 4 * VirtioPci::msix_bar, 4, msix_address);
    write_config(4, 2, 6);  // memory, bus master
  }

  // The transport.
  uint32_t read_config(unsigned offset, unsigned size) { return machine_.bus.read_config(devfn_, offset, size); }
  void write_config(unsigned offset, unsigned size, uint32_t value) {
    machine_.bus.write_config(devfn_, offset, size, value);
  }
  template <class T>
  T common(unsigned field) {
    return machine_.memory.read_as<T>(bar_address + structures_.at(1) + field);
  }
  template <class T>
  void set_common(unsigned field, T value) {
    machine_.memory.write_as<T>(bar_address + structures_.at(1) + field, value);
  }
  template <class T>
  T device_config(unsigned offset) {
    return machine_.memory.read_as<T>(bar_address + structures_.at(4) + offset);
  }
  template <class T>
  void set_device_config(unsigned offset, T value) {
    machine_.memory.write_as<T>(bar_address + structures_.at(4) + offset, value);
  }
  uint8_t isr() { return machine_.memory.read_as<uint8_t>(bar_address + structures_.at(3)); }
  uint8_t status() { return common<uint8_t>(20); }
  unsigned window() const { return window_; }

  uint64_t offered() {
    uint64_t features = 0;
    for (uint32_t half = 0; half < 2; ++half) {
      set_common<uint32_t>(0, half);
      features |= uint64_t{common<uint32_t>(4)} << (32 * half);
    }
    return features;
  }

  /// Reset, features, queues: up to DRIVER_OK (3.1.1). False where the device refuses the features.
  bool start(uint64_t features, bool with_msix = true, uint16_t queue_size = 16) {
    set_common<uint8_t>(20, 0);
    set_common<uint8_t>(20, 1);
    set_common<uint8_t>(20, 3);
    features_ = features | uint64_t{1} << 32;
    for (uint32_t half = 0; half < 2; ++half) {
      set_common<uint32_t>(8, half);
      set_common<uint32_t>(12, static_cast<uint32_t>(features_ >> (32 * half)));
    }
    set_common<uint8_t>(20, 11);
    if (!(status() & 8)) return false;
    const auto queues = common<uint16_t>(18);
    if (queues == 0xffff) return false;  // there is nothing: the BAR is not mapped
    if (with_msix) enable_msix();
    queues_.assign(queues, {});
    for (uint16_t i = 0; i < queues; ++i) start_queue(i, queue_size, with_msix);
    set_common<uint8_t>(20, 15);
    return true;
  }

  /// Makes a request available; its number, which used() tells again. With `table`, by an indirect table.
  uint16_t add(unsigned queue, std::span<const Part> parts, bool table = false) {
    State& q = queues_[queue];
    const uint16_t head = q.next_descriptor;
    std::vector<uint64_t> places;
    for (const Part& part : parts) {
      places.push_back(next_buffer_);
      machine_.memory.write(next_buffer_, part.bytes);
      next_buffer_ += part.bytes.size() + 16;
    }
    const uint64_t base = table ? indirect + head * 0x1000u : descriptors(queue);
    for (size_t i = 0; i < parts.size(); ++i) {
      const uint16_t index = static_cast<uint16_t>(table ? i : head + i);
      const bool last = i + 1 == parts.size();
      const uint16_t flags = static_cast<uint16_t>((last ? 0 : 1) | (parts[i].writable ? 2 : 0));
      put_descriptor(base, index, places[i], static_cast<uint32_t>(parts[i].bytes.size()), flags,
                     static_cast<uint16_t>(index + 1));
    }
    if (table) put_descriptor(descriptors(queue), head, base, static_cast<uint32_t>(parts.size() * 16), 4, 0);
    q.next_descriptor = static_cast<uint16_t>(q.next_descriptor + (table ? 1 : parts.size()));
    if (q.next_descriptor + 8 > q.size) q.next_descriptor = 0;
    requests_[{queue, head}] = {std::vector<Part>(parts.begin(), parts.end()), places};
    offer(queue, head);
    return head;
  }
  void put_descriptor(uint64_t table, uint16_t index, uint64_t address, uint32_t size, uint16_t flags, uint16_t next) {
    const uint64_t at = table + index * 16u;
    machine_.memory.write_as<uint64_t>(at, address);
    machine_.memory.write_as<uint32_t>(at + 8, size);
    machine_.memory.write_as<uint16_t>(at + 12, flags);
    machine_.memory.write_as<uint16_t>(at + 14, next);
  }
  /// Puts a descriptor's number into the available ring.
  void offer(unsigned queue, uint16_t head) {
    State& q = queues_[queue];
    machine_.memory.write_as<uint16_t>(available(queue) + 4 + (q.available % q.size) * 2u, head);
    machine_.memory.write_as<uint16_t>(available(queue) + 2, ++q.available);
  }
  void kick(unsigned queue) {
    set_common<uint16_t>(22, static_cast<uint16_t>(queue));
    const uint64_t place = structures_.at(2) + common<uint16_t>(30) * uint64_t{notify_multiplier_};
    machine_.memory.write_as<uint16_t>(bar_address + place, static_cast<uint16_t>(queue));
  }
  /// What the device has handed back since this was asked last.
  std::vector<Used> used(unsigned queue) {
    State& q = queues_[queue];
    std::vector<Used> result;
    for (; q.used != machine_.memory.read_as<uint16_t>(used_ring(queue) + 2); ++q.used) {
      const uint64_t at = used_ring(queue) + 4 + (q.used % q.size) * 8u;
      result.push_back({machine_.memory.read_as<uint32_t>(at), machine_.memory.read_as<uint32_t>(at + 4)});
    }
    // Interrupt at the next one (used_event; without the feature nobody looks at it).
    machine_.memory.write_as<uint16_t>(available(queue) + 4 + q.size * 2u, q.used);
    return result;
  }
  /// What stands in a request's buffer now.
  std::vector<std::byte> contents(unsigned queue, uint16_t head, unsigned part) {
    const auto& [parts, places] = requests_.at({queue, head});
    std::vector<std::byte> bytes(parts[part].bytes.size());
    machine_.memory.read(places[part], bytes);
    return bytes;
  }

  static uint64_t descriptors(unsigned queue) { return rings + queue * 0x10000u; }
  static uint64_t available(unsigned queue) { return descriptors(queue) + 0x4000; }
  static uint64_t used_ring(unsigned queue) { return descriptors(queue) + 0x8000; }
  /// Starts over with the places of buffers.
  void forget_buffers() { next_buffer_ = buffers; }

 private:
  struct State {
    uint16_t size = 0, available = 0, used = 0, next_descriptor = 0;
  };
  struct Request {
    std::vector<Part> parts;
    std::vector<uint64_t> places;
  };

  void find_structures() {
    for (unsigned at = read_config(0x34, 1); at != 0; at = read_config(at + 1, 1)) {
      if (read_config(at, 1) != 9) continue;
      const unsigned type = read_config(at + 3, 1);
      if (type == 5) {
        window_ = at;
      } else {
        structures_[type] = read_config(at + 8, 4);
      }
      if (type == 2) notify_multiplier_ = read_config(at + 16, 4);
    }
  }
  void enable_msix() {
    unsigned at = read_config(0x34, 1);
    while (read_config(at, 1) != 0x11) at = read_config(at + 1, 1);
    const unsigned vectors = (read_config(at + 2, 2) & 0x7ff) + 1;
    for (unsigned i = 0; i < vectors; ++i) {
      machine_.memory.write_as<uint64_t>(msix_address + i * 16, 0xfee00000);
      machine_.memory.write_as<uint32_t>(msix_address + i * 16 + 8, 0x40 + i);
      machine_.memory.write_as<uint32_t>(msix_address + i * 16 + 12, 0);
    }
    write_config(at + 2, 2, 0x8000);
    set_common<uint16_t>(16, 0);  // configuration changes: vector 0; queues have the next ones
  }
  void start_queue(uint16_t i, uint16_t size, bool with_msix) {
    queues_[i].size = size;
    for (const uint64_t ring : {available(i), used_ring(i)})
      machine_.memory.write(ring, std::vector<std::byte>(6 + 8u * size));
    set_common<uint16_t>(22, i);
    set_common<uint16_t>(24, size);
    if (with_msix) set_common<uint16_t>(26, static_cast<uint16_t>(i + 1));
    set_common<uint64_t>(32, descriptors(i));
    set_common<uint64_t>(40, available(i));
    set_common<uint64_t>(48, used_ring(i));
    set_common<uint16_t>(28, 1);
  }

  TestMachine& machine_;
  const uint8_t devfn_;
  std::map<unsigned, uint32_t> structures_;  ///< offset in the BAR, by type
  unsigned window_ = 0;
  uint32_t notify_multiplier_ = 0;
  uint64_t features_ = 0;
  uint64_t next_buffer_ = buffers;
  std::vector<State> queues_;
  std::map<std::pair<unsigned, uint16_t>, Request> requests_;
};

inline std::vector<std::byte> bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text.data(), text.size()));
  return {bytes.begin(), bytes.end()};
}
inline std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
/// Room for the device to write.
inline TestDriver::Part room(size_t size) { return {std::vector<std::byte>(size), true}; }
inline TestDriver::Part text(std::string_view contents) { return {bytes_of(contents), false}; }

}  // namespace strata::devices::virtio
