// Tests of the physical address space: overlaps, edges, splitting of accesses, ROM, changes, wild accesses.
#include "memory/address_space.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

namespace strata::memory {
namespace {

constexpr uint64_t top = ~uint64_t{0};

struct Call {
  char kind;
  uint64_t offset;
  unsigned size;
  uint64_t value;
  bool operator==(const Call&) const = default;
};

/// Remembers its calls; reads give the offset in each byte.
struct Probe : iface::BusDevice {
  std::vector<Call> calls;
  uint64_t read(uint64_t offset, unsigned size) override {
    uint64_t value = 0xdead'beef'dead'beef;  // rubbish above size must not matter
    for (unsigned i = 0; i < size; ++i) reinterpret_cast<uint8_t*>(&value)[i] = static_cast<uint8_t>(offset + i);
    calls.push_back({'r', offset, size, 0});
    return value;
  }
  void write(uint64_t offset, unsigned size, uint64_t value) override { calls.push_back({'w', offset, size, value}); }
};
using Calls = std::vector<Call>;

struct AddressSpaceTest : testing::Test {
  std::unique_ptr<Ram> ram = std::move(*Ram::make(16 * page_size));
  DeviceLock lock;
  AddressSpace space{*ram, lock};
  Probe device;

  Region of_ram(uint64_t base, uint64_t size, uint64_t offset, int priority = 0) {
    return {.name = "ram", .base = base, .size = size, .kind = Kind::ram, .ram_offset = offset, .priority = priority};
  }
  Region of_device(uint64_t base, uint64_t size, int priority = 0) {
    return {.name = "device", .base = base, .size = size, .device = &device, .priority = priority};
  }
  std::string name_at(uint64_t address) {
    const Found found = space.find(address);
    return found.region == nullptr ? "" : found.region->name;
  }
};

TEST_F(AddressSpaceTest, NothingReadsAsOnesAndSwallowsWrites) {
  EXPECT_EQ(space.read_as<uint32_t>(0x1000), 0xffffffffu);
  space.write_as<uint32_t>(0x1000, 0);
  EXPECT_EQ(space.find(0).region, nullptr);
  EXPECT_EQ(space.find(0).left, top);
  EXPECT_EQ(space.find(top).left, 1u);
  EXPECT_EQ(space.ram_pointer(0, 1), nullptr);
}

TEST_F(AddressSpaceTest, HigherPriorityLiesOnTopAndYoungerOfEqualOnes) {
  space.add(of_ram(0, 0x8000, 0));
  Region rom{.name = "rom", .base = 0x2000, .size = 0x1000, .kind = Kind::rom, .ram_offset = 0x8000, .priority = 1};
  space.add(rom);
  Region under{.name = "under", .base = 0x1800, .size = 0x1000, .kind = Kind::ram, .ram_offset = 0, .priority = -1};
  space.add(under);
  Region equal{.name = "equal", .base = 0x7000, .size = 0x2000, .kind = Kind::ram, .ram_offset = 0};
  space.add(equal);

  EXPECT_EQ(name_at(0x1fff), "ram");
  EXPECT_EQ(space.find(0x1fff).left, 1u);
  EXPECT_EQ(name_at(0x2000), "rom");
  EXPECT_EQ(space.find(0x2ffe).left, 2u);
  EXPECT_EQ(space.find(0x2ffe).offset, 0xffeu);
  EXPECT_EQ(name_at(0x3000), "ram");
  EXPECT_EQ(space.find(0x3000).offset, 0x3000u);
  EXPECT_EQ(name_at(0x7000), "equal");
  EXPECT_EQ(name_at(0x9000), "");
}

TEST_F(AddressSpaceTest, ReachesTheLastAddressAndNoFurther) {
  space.add(of_device(top - 7, 0x1000));
  EXPECT_EQ(space.find(top - 7).left, 8u);
  EXPECT_EQ(space.find(top).left, 1u);
  EXPECT_EQ(space.find(0).region, nullptr);
  EXPECT_EQ(space.read_as<uint64_t>(top - 3), 0xffff'ffff'0706'0504u);  // the upper half is at address 0
  EXPECT_EQ(device.calls, (Calls{{'r', 4, 4, 0}}));
}

TEST_F(AddressSpaceTest, AWholeSpaceOfOneDevice) {
  space.add(of_device(0, top));
  EXPECT_EQ(space.find(0).left, top);
  EXPECT_EQ(space.find(top).region, nullptr);
  EXPECT_EQ(space.read_as<uint8_t>(0x1234), 0x34);
}

TEST_F(AddressSpaceTest, SizeZeroIsNowhere) {
  space.add(of_device(0x1000, 0));
  EXPECT_EQ(space.find(0x1000).region, nullptr);
}

TEST_F(AddressSpaceTest, DeviceAccessesAreSplitToAlignedPieces) {
  space.add(of_device(0x1000, 0x10));
  space.write(0x1001, std::as_bytes(std::span("abcdefgh", 8)));
  EXPECT_EQ(device.calls, (Calls{{'w', 1, 1, 'a'}, {'w', 2, 2, 0x6362}, {'w', 4, 4, 0x67666564}, {'w', 8, 1, 'h'}}));
  device.calls.clear();
  std::array<uint8_t, 16> out;
  space.read(0x1000, std::as_writable_bytes(std::span(out)));
  EXPECT_EQ(device.calls, (Calls{{'r', 0, 8, 0}, {'r', 8, 8, 0}}));
  for (unsigned i = 0; i < 16; ++i) EXPECT_EQ(out[i], i);
}

TEST_F(AddressSpaceTest, AccessesNeverReachPastADevicesEnd) {
  space.add(of_device(0x1000, 7));
  EXPECT_EQ(space.read_as<uint64_t>(0x1000), 0xff06'0504'0302'0100u);
  EXPECT_EQ(device.calls, (Calls{{'r', 0, 4, 0}, {'r', 4, 2, 0}, {'r', 6, 1, 0}}));
}

TEST_F(AddressSpaceTest, AccessesCrossFromRamToDevice) {
  space.add(of_ram(0, 0x1000, 0x3000));
  space.add(of_device(0x1000, 0x1000));
  space.write_as<uint32_t>(0xffe, 0x44332211);
  EXPECT_EQ(ram->at(0x3ffe)[0], std::byte{0x11});
  EXPECT_EQ(ram->at(0x3ffe)[1], std::byte{0x22});
  EXPECT_EQ(ram->at(0x3ffe)[2], std::byte{0});
  EXPECT_EQ(device.calls, (Calls{{'w', 0, 2, 0x4433}}));
}

TEST_F(AddressSpaceTest, RomReadsAndSwallowsWrites) {
  std::memcpy(ram->at(0x1000), "rom!", 4);
  space.add({.name = "rom", .base = 0xf0000, .size = 0x1000, .kind = Kind::rom, .ram_offset = 0x1000});
  space.write_as<uint32_t>(0xf0000, 0);
  EXPECT_EQ(space.read_as<uint32_t>(0xf0000), 0x216d6f72u);
  EXPECT_EQ(space.ram_pointer(0xf0000, 4), nullptr);
}

TEST_F(AddressSpaceTest, RamPointersStayInOnePiece) {
  space.add(of_ram(0, 0x2000, 0));
  space.add(of_ram(0x2000, 0x1000, 0x8000));
  EXPECT_EQ(space.ram_pointer(0x1ff0, 0x10), ram->at(0x1ff0));
  EXPECT_EQ(space.ram_pointer(0x1ff0, 0x11), nullptr);
  EXPECT_EQ(space.ram_pointer(0x2000, top), nullptr);
}

TEST_F(AddressSpaceTest, MovingAndRemovingAreSeenAndTold) {
  unsigned changes = 0;
  space.on_change([&] { ++changes; });
  space.add(of_ram(0, 0x8000, 0));
  const auto id = space.add(of_device(0x1000, 0x1000, 1));
  EXPECT_EQ(name_at(0x1000), "device");
  space.move(id, 0x3000);
  EXPECT_EQ(name_at(0x1000), "ram");
  EXPECT_EQ(name_at(0x3000), "device");
  EXPECT_EQ(changes, 3u);
  space.move(id, 0x3000);
  EXPECT_EQ(changes, 3u);
  space.remove(id);
  EXPECT_EQ(name_at(0x3000), "ram");
  EXPECT_EQ(changes, 4u);
  space.remove(id);
  space.move(id, 0);
  EXPECT_EQ(changes, 4u);
}

/// Takes its own region away when it is written to, as a PCI card does whose BAR is switched off.
struct Vanishing : iface::BusDevice {
  AddressSpace* space;
  AddressSpace::RegionId id = 0;
  unsigned writes = 0;
  uint64_t read(uint64_t, unsigned) override { return 0; }
  void write(uint64_t, unsigned, uint64_t) override {
    ++writes;
    space->remove(id);
  }
};

TEST_F(AddressSpaceTest, ADeviceMayVanishInItsOwnAccess) {
  Vanishing vanishing;
  vanishing.space = &space;
  vanishing.id = space.add({.name = "v", .base = 0x1000, .size = 0x1000, .device = &vanishing});
  const std::array<std::byte, 64> data = {};
  space.write(0x1000, data);
  EXPECT_EQ(vanishing.writes, 1u);
  EXPECT_EQ(space.find(0x1000).region, nullptr);
}

struct Recorder : WriteWatcher {
  std::vector<std::pair<uint64_t, uint64_t>> seen;
  void written(uint64_t offset, uint64_t size) override { seen.emplace_back(offset, size); }
};

TEST_F(AddressSpaceTest, WritesByAddressAndByPointerReachTheWatcher) {
  Recorder recorder;
  ram->watch(recorder);
  space.add(of_ram(0x10000, 0x4000, 0x2000));
  ram->mark(0x3000, Ram::Mark::code);
  space.write_as<uint64_t>(0x10ffc, 0);
  space.wrote(0x11ff0, 0x1000);
  space.wrote(0x80000, 0x10);  // nothing there
  const std::vector<std::pair<uint64_t, uint64_t>> expected{{0x3000, 4}, {0x3ff0, 0x10}};
  EXPECT_EQ(recorder.seen, expected);
}

TEST_F(AddressSpaceTest, WildAccessesAgreeWithAModelOfBytes) {
  space.add(of_ram(0x100, 0x1f00, 0x80));
  space.add(of_ram(0x1800, 0x1000, 0x4000, 1));
  space.add({.name = "rom", .base = 0x1000, .size = 0x123, .kind = Kind::rom, .ram_offset = 0x6000, .priority = 2});
  constexpr uint64_t begin = top - 0x7f;  // accesses wrap around from here on
  const auto model_at = [&](uint64_t address) -> std::byte* {
    if (address >= 0x1000 && address < 0x1123) return nullptr;
    if (address >= 0x1800 && address < 0x2800) return ram->at(0x4000 + address - 0x1800);
    if (address >= 0x100 && address < 0x2000) return ram->at(0x80 + address - 0x100);
    return nullptr;
  };
  std::mt19937_64 random(7);
  std::vector<std::byte> data(0x400);
  for (unsigned round = 0; round < 2000; ++round) {
    const uint64_t address = begin + random() % 0x3000;
    const auto piece = std::span(data).first(random() % data.size());
    for (std::byte& byte : piece) byte = static_cast<std::byte>(random());
    space.write(address, piece);
    for (size_t i = 0; i < piece.size(); ++i) {
      const std::byte* stored = model_at(address + i);
      if (stored != nullptr) {
        ASSERT_EQ(*stored, piece[i]);
      }
    }
    std::vector<std::byte> back(piece.size());
    space.read(address, back);
    for (size_t i = 0; i < back.size(); ++i)
      if (model_at(address + i) != nullptr) {
        ASSERT_EQ(back[i], piece[i]);
      }
    space.ram_pointer(random(), random());
    space.wrote(random(), random());
  }
}

}  // namespace
}  // namespace strata::memory
