// Tests of the lock-free copy of the physical map: windows, what lies between them, atomic updates.
#include "engine/ram_map.h"

#include <gtest/gtest.h>

namespace strata::engine {
namespace {

using memory::Kind;

struct Register : iface::BusDevice {
  uint64_t value = 0;
  uint64_t read(uint64_t, unsigned) override { return value; }
  void write(uint64_t, unsigned, uint64_t written) override { value = written; }
};

struct RamMapTest : testing::Test {
  std::unique_ptr<memory::Ram> ram = std::move(*memory::Ram::make(0x10000));
  memory::DeviceLock lock;
  memory::AddressSpace space{*ram, lock};
  Register device;
  RamMapTest() {
    space.add({.name = "low", .base = 0, .size = 0x4000, .kind = Kind::ram});
    space.add({.name = "rom", .base = 0x8000, .size = 0x1000, .kind = Kind::rom, .ram_offset = 0x8000});
    space.add({.name = "device", .base = 0x4000, .size = 0x1000, .device = &device});
    space.add({.name = "top", .base = ~uint64_t{0} - 0xfff, .size = 0x1000, .kind = Kind::ram, .ram_offset = 0xf000});
  }
};

TEST_F(RamMapTest, FindsWhatIsRamInOnePiece) {
  RamMap map(space);
  ASSERT_NE(map.find(0x3ff8, 8), nullptr);
  EXPECT_EQ(map.find(0x3ff8, 8)->at(0x3ff8), ram->at(0x3ff8));
  EXPECT_EQ(map.find(0x3ff9, 8), nullptr);
  EXPECT_EQ(map.find(0x4000, 1), nullptr);
  EXPECT_TRUE(map.find(0x8000, 0x1000)->rom);
  const uint64_t last = ~uint64_t{0};
  EXPECT_EQ(map.find(last, 1)->at(last), ram->at(0xffff));
  EXPECT_EQ(map.find(last, 2), nullptr);
  EXPECT_EQ(map.find(0, last), nullptr);
}

TEST_F(RamMapTest, SeesChangesWhenRefreshed) {
  RamMap map(space);
  const auto id = space.add({.name = "over", .base = 0x1000, .size = 0x1000, .device = &device, .priority = 1});
  EXPECT_NE(map.find(0x1000, 1), nullptr);
  map.refresh();
  EXPECT_EQ(map.find(0x1000, 1), nullptr);
  EXPECT_NE(map.find(0x2000, 1), nullptr);
  space.remove(id);
  map.refresh();
  EXPECT_NE(map.find(0x800, 0x2000), nullptr);
}

TEST_F(RamMapTest, ReadsAndWritesAnywhere) {
  RamMap map(space);
  const uint64_t value = 0x1122334455667788;
  map.write(0x3ffc, &value, 8);  // half RAM, half device
  EXPECT_EQ(space.read_as<uint32_t>(0x3ffc), 0x55667788u);
  EXPECT_EQ(device.value, 0x11223344u);
  map.write(0x8000, &value, 8);
  uint64_t back = 1;
  map.read(0x8000, &back, 8);
  EXPECT_EQ(back, 0u);
  map.read(0x7ffe, &back, 4);
  EXPECT_EQ(static_cast<uint32_t>(back), 0x0000ffffu);
}

TEST_F(RamMapTest, ComparesAndExchanges) {
  RamMap map(space);
  space.write_as<uint64_t>(0x100, 5);
  EXPECT_FALSE(map.compare_exchange(0x100, 8, 6, 7));
  EXPECT_TRUE(map.compare_exchange(0x100, 8, 5, 7));
  EXPECT_EQ(space.read_as<uint64_t>(0x100), 7u);
  EXPECT_TRUE(map.compare_exchange(0x100, 4, 7, 0xffffffff));
  EXPECT_EQ(space.read_as<uint64_t>(0x100), 0xffffffffu);
  EXPECT_TRUE(map.compare_exchange(0x8000, 8, 0, 1));  // ROM: as if it had been done
  EXPECT_EQ(space.read_as<uint64_t>(0x8000), 0u);
  EXPECT_FALSE(map.compare_exchange(0x8000, 8, 1, 2));
  device.value = 3;
  EXPECT_TRUE(map.compare_exchange(0x4000, 4, 3, 9));
  EXPECT_EQ(device.value, 9u);
  EXPECT_FALSE(map.compare_exchange(0x6000, 8, 0, 1));  // nothing there
}

struct Recorder : memory::WriteWatcher {
  unsigned count = 0;
  void written(uint64_t, uint64_t) override { ++count; }
};

TEST_F(RamMapTest, TellsWatchersOfWhatItWrites) {
  RamMap map(space);
  Recorder recorder;
  ram->watch(recorder);
  ram->mark(0x1000, memory::Ram::Mark::code);
  const uint64_t value = 1;
  map.write(0x1008, &value, 8);
  EXPECT_EQ(recorder.count, 1u);
  EXPECT_TRUE(map.compare_exchange(0x1008, 8, 1, 2));
  EXPECT_FALSE(map.compare_exchange(0x1008, 8, 1, 2));
  EXPECT_EQ(recorder.count, 2u);
}

}  // namespace
}  // namespace strata::engine
