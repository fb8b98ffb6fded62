// Tests of the I/O ports: overlaps, accesses across devices, the last port.
#include "memory/port_space.h"

#include <gtest/gtest.h>

#include <tuple>

namespace strata::memory {
namespace {

struct Ports : iface::BusDevice {
  uint64_t answer = 0;
  std::vector<std::tuple<uint64_t, unsigned, uint64_t>> writes;
  uint64_t read(uint64_t offset, unsigned) override { return answer + offset; }
  void write(uint64_t offset, unsigned size, uint64_t value) override { writes.emplace_back(offset, size, value); }
};

struct PortSpaceTest : testing::Test {
  DeviceLock lock;
  PortSpace ports{lock};
  Ports low, high;
};

TEST_F(PortSpaceTest, NothingReadsAsOnes) {
  EXPECT_EQ(ports.read(0x80, 1), 0xffu);
  EXPECT_EQ(ports.read(0x80, 2), 0xffffu);
  EXPECT_EQ(ports.read(0xffff, 4), 0xffffffffu);
  ports.write(0xffff, 4, 0x12345678);
}

TEST_F(PortSpaceTest, AnswersAreCutToSize) {
  low.answer = 0xffff'ffff'8765'4321;
  ports.add(0x60, 4, low);
  EXPECT_EQ(ports.read(0x60, 1), 0x21u);
  EXPECT_EQ(ports.read(0x60, 2), 0x4321u);
  EXPECT_EQ(ports.read(0x60, 4), 0x87654321u);
  ports.write(0x62, 2, 0xabcd1234);
  EXPECT_EQ(low.writes.back(), (std::tuple<uint64_t, unsigned, uint64_t>{2, 2, 0x1234}));
}

TEST_F(PortSpaceTest, LaterOnesLieAboveAndRemovalUncovers) {
  low.answer = 0x10;
  high.answer = 0x90;
  ports.add(0x100, 8, low);
  ports.add(0x102, 1, high);
  EXPECT_EQ(ports.read(0x102, 1), 0x90u);
  EXPECT_EQ(ports.read(0x103, 1), 0x13u);
  ports.remove(high);
  EXPECT_EQ(ports.read(0x102, 1), 0x12u);
  ports.remove(low);
  EXPECT_EQ(ports.read(0x102, 1), 0xffu);
}

TEST_F(PortSpaceTest, AccessesAcrossDevicesAreSplitToBytes) {
  low.answer = 0x10;
  high.answer = 0x90;
  ports.add(0x100, 2, low);
  ports.add(0x102, 1, high);
  EXPECT_EQ(ports.read(0x100, 4), 0xff901110u);
  ports.write(0x101, 2, 0xbbaa);
  EXPECT_EQ(low.writes.back(), (std::tuple<uint64_t, unsigned, uint64_t>{1, 1, 0xaa}));
  EXPECT_EQ(high.writes.back(), (std::tuple<uint64_t, unsigned, uint64_t>{0, 1, 0xbb}));
}

TEST_F(PortSpaceTest, RangesEndAtTheLastPort) {
  low.answer = 0x10;
  ports.add(0xfffe, 100, low);
  EXPECT_EQ(ports.read(0xffff, 1), 0x11u);
  EXPECT_EQ(ports.read(0xffff, 2), 0xff11u);
  ports.write(0xffff, 4, 0x44332211);
  EXPECT_EQ(low.writes.size(), 1u);
  EXPECT_EQ(low.writes.back(), (std::tuple<uint64_t, unsigned, uint64_t>{1, 1, 0x11}));
}

}  // namespace
}  // namespace strata::memory
