// System time and wall clock in the guest's memory.
#include "isa/x86/system/pvclock.h"

namespace strata::isa::x86 {
namespace {

constexpr uint32_t msr_wall_clock = 0x4b564d00, msr_system_time = 0x4b564d01;
constexpr uint64_t second_ns = 1'000'000'000;
constexpr uint64_t enabled = 1;

struct WallClock {
  uint32_t version, seconds, nanoseconds;
};

/// time = system_time + ((tsc - tsc_timestamp) << shift) * multiplier / 2^32
struct SystemTime {
  uint32_t version, pad0;
  uint64_t tsc_timestamp, system_time;
  uint32_t multiplier;
  int8_t shift;
  uint8_t flags, pad[2];
};
static_assert(sizeof(SystemTime) == 32);
constexpr uint8_t flag_tsc_stable = 1;

uint64_t ns_of(uint64_t ticks, uint64_t rate) { return ticks / rate * second_ns + ticks % rate * second_ns / rate; }

/// The largest multiplier that fits: nanoseconds a tick are multiplier × 2^(shift - 32).
void set_rate(SystemTime& time, uint64_t rate) {
  uint64_t numerator = second_ns;
  while (numerator >= rate) numerator /= 2, time.shift++;
  while (numerator * 2 < rate) numerator *= 2, time.shift--;
  time.multiplier = static_cast<uint32_t>((numerator << 32) / rate);
}

void write_system_time(Cpu& cpu) {
  const State& s = cpu.state;
  const uint64_t ticks = cpu.host->ticks(), rate = cpu.host->tick_rate();
  SystemTime time = {};
  time.version = 2;  // even: whole. There is one processor a page, and it is not running now
  time.tsc_timestamp = ticks + s.tsc_offset;
  time.system_time = ns_of(ticks, rate);
  set_rate(time, rate);
  time.flags = flag_tsc_stable;
  cpu.host->write_physical(s.pvclock & ~enabled, &time, sizeof time);
}

/// The wall clock's reading when system time was zero.
void write_wall_clock(Cpu& cpu, uint64_t address) {
  const uint64_t ns = cpu.wall_clock() - ns_of(cpu.host->ticks(), cpu.host->tick_rate());
  const WallClock clock = {2, static_cast<uint32_t>(ns / second_ns), static_cast<uint32_t>(ns % second_ns)};
  cpu.host->write_physical(address, &clock, sizeof clock);
}

}  // namespace

bool read_pvclock(const Cpu& cpu, uint32_t msr, uint64_t& value) {
  if (msr != msr_system_time && msr != msr_wall_clock) return false;
  value = msr == msr_system_time ? cpu.state.pvclock : 0;
  return true;
}

bool write_pvclock(Cpu& cpu, uint32_t msr, uint64_t value) {
  if (msr == msr_wall_clock) return write_wall_clock(cpu, value), true;
  if (msr != msr_system_time) return false;
  cpu.state.pvclock = value;
  update_pvclock(cpu);
  return true;
}

void update_pvclock(Cpu& cpu) {
  if (cpu.state.pvclock & enabled) write_system_time(cpu);
}

}  // namespace strata::isa::x86
