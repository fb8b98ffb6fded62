// A PCI function as a guest finds it: sizing, mapping, capabilities, INTx and MSI-X.
#include "devices/pci/pci.h"

#include <gtest/gtest.h>

#include "base/bits.h"

namespace strata::devices {
namespace {

struct Scratch final : iface::BusDevice {
  uint64_t read(uint64_t offset, unsigned) override { return 0x1100 + offset; }
  void write(uint64_t offset, unsigned, uint64_t value) override { last = offset << 32 | value; }
  uint64_t last = 0;
};

struct Wire final : iface::IrqLine {
  void set(bool to) override { level = to; }
  bool level = false;
};

struct Messages final : iface::MsiTarget {
  void send(uint64_t address, uint32_t data) override { sent.emplace_back(address, data); }
  std::vector<std::pair<uint64_t, uint32_t>> sent;
};

class Card final : public PciDevice {
 public:
  Card(PciBus& bus, std::optional<PciAddress> where)
      : PciDevice(bus, where, {.name = "card", .vendor = 0x1af4, .device = 0x1042, .class_code = pci::storage_other}) {
    add_memory_bar(0, 0x1000, memory_registers);
    add_io_bar(1, 32, io_registers);
    add_memory_bar(2, 0x4000, wide_registers, BarKind::memory64_prefetchable);
    add_msix(4, 3);
    const std::array body = {std::byte{16}, std::byte{1}};
    add_capability(pci::vendor_specific, body);
  }
  ~Card() override = default;
  using PciDevice::is_bus_master;
  using PciDevice::msix_enabled;
  using PciDevice::send_msix;
  using PciDevice::set_interrupt;
  Scratch memory_registers, io_registers, wide_registers;
};

class PciTest : public testing::Test {
 protected:
  PciTest() {
    bus.connect_intx(2, wire);
    ports.add(0xcf8, 8, bus.config_ports());
  }
  void select(unsigned slot, unsigned reg) { ports.write(0xcf8, 4, 1u << 31 | slot << 11 | (reg & 0xfc)); }
  uint32_t get(unsigned reg, unsigned size = 4) {
    select(2, reg);
    return ports.read(static_cast<uint16_t>(0xcfc + (reg & 3)), size);
  }
  void put(unsigned reg, uint32_t value, unsigned size = 4) {
    select(2, reg);
    ports.write(static_cast<uint16_t>(0xcfc + (reg & 3)), size, value);
  }
  unsigned find_capability(uint8_t id) {
    for (unsigned at = get(0x34, 1); at != 0; at = get(at + 1, 1)) {
      if (get(at, 1) == id) return at;
    }
    return 0;
  }

  memory::DeviceLock lock;
  std::unique_ptr<memory::Ram> ram = *memory::Ram::make(1 << 20);
  memory::AddressSpace space{*ram, lock};
  memory::PortSpace ports{lock};
  Messages messages;
  Wire wire;
  PciBus bus{space, ports, messages};
  Card card{bus, PciAddress{.slot = 2}};
};

TEST_F(PciTest, Identity) {
  EXPECT_EQ(get(0), 0x10421af4u);
  EXPECT_EQ(get(8), 0x01800000u);
  EXPECT_EQ(get(0x3d, 1), 1u);
  select(3, 0);
  EXPECT_EQ(ports.read(0xcfc, 4), 0xffffffffu);
  ports.write(0xcf8, 4, 0x80010000 | 2 << 11);  // bus 1
  EXPECT_EQ(ports.read(0xcfc, 4), 0xffffffffu);
  put(0, 0);
  EXPECT_EQ(get(0), 0x10421af4u);
}

TEST_F(PciTest, Sizing) {
  for (unsigned bar = 0; bar < 6; ++bar) put(0x10 + 4 * bar, ~0u);
  EXPECT_EQ(get(0x10), 0xfffff000u);
  EXPECT_EQ(get(0x14), 0xffe1u);
  EXPECT_EQ(get(0x18), 0xffffc00cu);
  EXPECT_EQ(get(0x1c), 0xffffffffu);
  EXPECT_EQ(get(0x20), 0xfffff000u);
  EXPECT_EQ(get(0x24), 0u);
}

TEST_F(PciTest, MappingFollowsBarAndCommand) {
  put(0x10, 0xe0000000);
  put(0x14, 0xc000);
  EXPECT_EQ(space.read_as<uint32_t>(0xe0000010), ~0u);
  put(4, pci::memory_space | pci::io_space, 2);
  EXPECT_EQ(space.read_as<uint32_t>(0xe0000010), 0x1110u);
  EXPECT_EQ(ports.read(0xc004, 2), 0x1104u);
  put(0x10, 0xe1000000);
  EXPECT_EQ(space.read_as<uint32_t>(0xe0000010), ~0u);
  EXPECT_EQ(space.read_as<uint32_t>(0xe1000010), 0x1110u);
  put(4, 0, 2);
  EXPECT_EQ(space.read_as<uint32_t>(0xe1000010), ~0u);
  EXPECT_EQ(ports.read(0xc004, 2), 0xffffu);
}

TEST_F(PciTest, WideBarAboveFourGigabytes) {
  put(0x18, 0);
  put(0x1c, 0x10);
  put(4, pci::memory_space, 2);
  EXPECT_EQ(space.read_as<uint32_t>(0x1000000008), 0x1108u);
  put(0x1c, ~0u);  // beyond all physical addresses: not there
  EXPECT_EQ(space.read_as<uint32_t>(0x1000000008), ~0u);
}

TEST_F(PciTest, InterruptLine) {
  card.set_interrupt(true);
  EXPECT_TRUE(wire.level);
  EXPECT_EQ(get(6, 2) & pci::interrupt_status, pci::interrupt_status);
  put(4, pci::interrupt_disable, 2);
  EXPECT_FALSE(wire.level);
  EXPECT_EQ(get(6, 2) & pci::interrupt_status, pci::interrupt_status);
  put(4, 0, 2);
  EXPECT_TRUE(wire.level);
  card.set_interrupt(false);
  EXPECT_FALSE(wire.level);
}

TEST_F(PciTest, SharedLineFallsWithTheLast) {
  Card other(bus, PciAddress{.slot = 6});
  other.set_interrupt(true);
  card.set_interrupt(true);
  other.set_interrupt(false);
  EXPECT_TRUE(wire.level);
  card.set_interrupt(false);
  EXPECT_FALSE(wire.level);
}

TEST_F(PciTest, MsixSendsAndPends) {
  const unsigned cap = find_capability(pci::msi_x);
  ASSERT_NE(cap, 0u);
  EXPECT_NE(find_capability(pci::vendor_specific), 0u);
  EXPECT_EQ(get(cap + 2, 2), 2u);
  EXPECT_EQ(get(cap + 4), 4u);
  put(0x20, 0xe0000000);
  put(4, pci::memory_space | pci::bus_master, 2);
  put(cap + 2, 0x8000, 2);
  ASSERT_TRUE(card.msix_enabled());
  const uint64_t entry = 0xe0000000 + 16;
  EXPECT_EQ(space.read_as<uint32_t>(entry + 12), 1u);
  space.write_as<uint32_t>(entry, 0xfee00000);
  space.write_as<uint32_t>(entry + 8, 0x41);
  card.send_msix(1);
  EXPECT_TRUE(messages.sent.empty());
  EXPECT_EQ(space.read_as<uint64_t>(0xe0000000 + (get(cap + 8) & ~7u)), 2u);
  space.write_as<uint32_t>(entry + 12, 0);
  ASSERT_EQ(messages.sent.size(), 1u);
  EXPECT_EQ(messages.sent[0], (std::pair<uint64_t, uint32_t>(0xfee00000, 0x41)));
  card.send_msix(1);
  EXPECT_EQ(messages.sent.size(), 2u);
  put(cap + 2, 0xc000, 2);  // function mask
  card.send_msix(1);
  card.send_msix(99);
  EXPECT_EQ(messages.sent.size(), 2u);
  put(cap + 2, 0x8000, 2);
  EXPECT_EQ(messages.sent.size(), 3u);
}

TEST_F(PciTest, FirmwareAssignsWhatFits) {
  bus.assign_resources({.memory_base = 0xe0000000,
                        .memory_size = 0x10000,
                        .io_base = 0xc000,
                        .io_size = 0x1000,
                        .irqs = {10, 10, 11, 11}});
  EXPECT_EQ(get(0x10), 0xe0000000u);
  EXPECT_EQ(get(0x14), 0xc001u);
  EXPECT_EQ(get(0x18), 0xe000400cu);
  EXPECT_EQ(get(0x3c, 1), 11u);
  EXPECT_EQ(space.read_as<uint32_t>(0xe0000010), 0x1110u);
}

TEST_F(PciTest, StateComesBack) {
  put(0x10, 0xe0000000);
  put(4, pci::memory_space, 2);
  card.set_interrupt(true);
  Writer out;
  bus.save(out);
  const auto blob = out.take();
  bus.reset();
  EXPECT_FALSE(wire.level);
  EXPECT_EQ(space.read_as<uint32_t>(0xe0000010), ~0u);
  Reader in(blob);
  ASSERT_TRUE(bus.restore(in));
  EXPECT_EQ(space.read_as<uint32_t>(0xe0000010), 0x1110u);
  EXPECT_TRUE(wire.level);
  for (size_t size = 0; size < blob.size(); ++size) {
    Reader cut{std::span(blob).first(size)};
    EXPECT_FALSE(bus.restore(cut)) << size;
  }
}

TEST_F(PciTest, AnyConfigurationWriteIsHarmless) {
  uint32_t seed = 1;
  for (int i = 0; i < 20000; ++i) {
    seed = seed * 1664525 + 1013904223;
    const unsigned size = 1u << (seed >> 30) % 3;
    put((seed >> 8 & 0xff) & ~(size - 1), seed * 2654435761u, size);
    if (i % 64 == 0) card.send_msix(seed % 5);
  }
}

}  // namespace
}  // namespace strata::devices
