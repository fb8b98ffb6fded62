// The paravirtual clock: what a guest computes from the page must be the time.
#include "isa/x86/system/pvclock.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace strata::isa::x86 {
namespace {

class ClockHost final : public Host {
 public:
  uint64_t now = 0, rate = 1'000'000'000;
  std::vector<std::byte> ram = std::vector<std::byte>(4096);

  bool read(uint64_t, void*, unsigned, ir::Space) override { return false; }
  bool write(uint64_t, const void*, unsigned, ir::Space) override { return false; }
  bool probe(uint64_t, unsigned, ir::Space, Access) override { return false; }
  void read_physical(uint64_t address, void* out, unsigned size) override { std::memcpy(out, &ram[address], size); }
  void write_physical(uint64_t address, const void* in, unsigned size) override {
    std::memcpy(&ram[address], in, size);
  }
  bool compare_exchange_physical(uint64_t, unsigned, uint64_t, uint64_t) override { return false; }
  void flush_mappings(bool) override {}
  void flush_mapping(uint64_t) override {}
  uint32_t port_in(uint16_t, unsigned) override { return 0; }
  void port_out(uint16_t, unsigned, uint32_t) override {}
  uint64_t ticks() override { return now; }
  uint64_t tick_rate() override { return rate; }

  template <class T>
  T at(uint64_t address) const {
    T value;
    std::memcpy(&value, &ram[address], sizeof value);
    return value;
  }
  /// As Documentation/virt/kvm/x86/msr.rst tells guests to.
  uint64_t guest_time(uint64_t page, uint64_t tsc) const {
    uint64_t delta = tsc - at<uint64_t>(page + 8);
    const auto shift = at<int8_t>(page + 28);
    delta = shift < 0 ? delta >> -shift : delta << shift;
    return at<uint64_t>(page + 16) +
           static_cast<uint64_t>(static_cast<unsigned __int128>(delta) * at<uint32_t>(page + 24) >> 32);
  }
};

constexpr uint32_t msr_wall_clock = 0x4b564d00, msr_system_time = 0x4b564d01;

TEST(PvClock, RunsAsTheCounterDoes) {
  for (const uint64_t rate : {1'000'000'000ull, 2'600'000'000ull, 999'999'937ull, 25'000'000ull, 5'000'000'000ull}) {
    Cpu cpu{};
    ClockHost host;
    cpu.host = &host;
    host.rate = rate;
    host.now = 7 * rate;
    cpu.state.tsc_offset = 12345;
    ASSERT_TRUE(write_pvclock(cpu, msr_system_time, 0x100 | 1));
    EXPECT_EQ(host.at<uint32_t>(0x100) % 2, 0u);
    const uint64_t tsc_later = host.now + 100 * rate + cpu.state.tsc_offset;
    EXPECT_NEAR(static_cast<double>(host.guest_time(0x100, tsc_later)), 107e9, 100) << rate;
  }
}

TEST(PvClock, FollowsACounterThatTheGuestSets) {
  Cpu cpu{};
  ClockHost host;
  cpu.host = &host;
  host.now = 5'000'000'000;
  write_pvclock(cpu, msr_system_time, 0x40 | 1);
  cpu.state.tsc_offset = 1'000'000;
  update_pvclock(cpu);
  EXPECT_EQ(host.guest_time(0x40, host.now + cpu.state.tsc_offset), 5'000'000'000u);
}

TEST(PvClock, TellsTheWallClock) {
  Cpu cpu{};
  ClockHost host;
  cpu.host = &host;
  cpu.wall_clock = [] { return uint64_t{1'700'000'010'500'000'000}; };
  host.now = 10'000'000'000;
  write_pvclock(cpu, msr_wall_clock, 0x80);
  EXPECT_EQ(host.at<uint32_t>(0x84), 1'700'000'000u);
  EXPECT_EQ(host.at<uint32_t>(0x88), 500'000'000u);
}

TEST(PvClock, OtherRegistersAreNotItsOwn) {
  Cpu cpu{};
  uint64_t value;
  EXPECT_FALSE(read_pvclock(cpu, 0x10, value));
  EXPECT_FALSE(write_pvclock(cpu, 0x10, 1));
}

}  // namespace
}  // namespace strata::isa::x86
