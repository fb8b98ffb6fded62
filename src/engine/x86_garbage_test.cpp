// Random bytes run as x86 code in every mode: whatever a guest does, the host must not crash, hang or assert.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <random>
#include <thread>

#include "engine/x86_machine_test.h"

namespace strata::engine {
namespace {

using iface::ExitReason;

struct Rubbish : iface::BusDevice {
  std::mt19937_64 random{1};
  uint64_t read(uint64_t, unsigned) override { return random(); }
  void write(uint64_t, unsigned, uint64_t) override {}
};

struct Controller : iface::InterruptSource {
  std::mt19937_64 random{2};
  bool pending() override { return random() % 64 == 0; }
  int acknowledge() override { return random() % 4 == 0 ? -1 : static_cast<int>(random() % 256); }
  uint8_t priority() override { return 0; }
  void set_priority(uint8_t) override {}
  bool read_msr(uint32_t, uint64_t* value) override { return *value = random(), random() % 2 == 0; }
  bool write_msr(uint32_t, uint64_t) override { return random() % 2 == 0; }
};

class Garbage : public X86Machine {
 public:
  explicit Garbage(uint64_t seed) : random_(seed) {
    ports.add(0, 0x10000, device_);
    space.add({.name = "device", .base = ram_size, .size = 0x10000, .device = &device_});
    options.interrupts = &controller_;
    options.verify = true;
    make();
  }

  /// A fresh world, and a processor in some mode at some place in it.
  void shuffle() {
    auto* words = reinterpret_cast<uint64_t*>(ram->data());
    for (uint64_t i = 0; i < ram_size / 8; ++i) words[i] = random_();
    sprinkle();
    ram->note_write(0, ram_size);
    const uint64_t pc = random_() % 0x8000;
    switch (random_() % 4) {
      case 0: real_mode(pc); break;
      case 1:
        real_mode(pc);
        unreal(0x4f9b);
        break;  // CR0.PE, 32 bits
      default: long_mode(pc); break;
    }
    auto registers = cpu->registers();
    for (uint64_t& gpr : registers.gpr) gpr = random_() % 3 == 0 ? random_() : random_() % (ram_size + 0x1000);
    registers.rflags = 2 | (random_() & 0x3f7fd5 & ~0x20000u);
    registers.idtr = {.base = random_() % ram_size, .limit = static_cast<uint16_t>(random_())};
    registers.gdtr = {.base = random_() % ram_size, .limit = static_cast<uint16_t>(random_())};
    registers.cr4 |= random_() & 0x700600;
    cpu->set_registers(registers);
  }

  ExitReason run() { return cpu->run().reason; }

 private:
  /// Instructions that random bytes rarely are: short jumps, strings, system instructions, prefixes.
  void sprinkle() {
    constexpr uint8_t pieces[][4] = {
        {0xeb, 0xf0, 0x90, 0x90}, {0xf3, 0xaa, 0xf3, 0xa4}, {0x0f, 0x01, 0xd0, 0xc3}, {0x0f, 0x22, 0xd8, 0x90},
        {0x0f, 0x30, 0x0f, 0x32}, {0x0f, 0xae, 0x00, 0x9d}, {0xcf, 0xcb, 0xcd, 0x80}, {0x0f, 0x05, 0x0f, 0x07},
        {0xfb, 0xf4, 0xfa, 0x90}, {0xf0, 0x0f, 0xc7, 0x08}, {0x74, 0x05, 0xe2, 0xfc}, {0x8e, 0xd8, 0x8e, 0xd0},
        {0x0f, 0x00, 0xd8, 0x90}, {0xdd, 0x20, 0xd9, 0x30}, {0x66, 0x0f, 0x38, 0xdc}, {0x88, 0x05, 0x01, 0x00},
    };
    for (unsigned i = 0; i < 20000; ++i)
      std::memcpy(ram->at(random_() % (ram_size - 4)), pieces[random_() % std::size(pieces)], 4);
  }

  void unreal(uint16_t attributes) {
    auto registers = cpu->registers();
    registers.cr0 |= 1;
    registers.cs = {.selector = 8, .attributes = attributes, .limit = 0xffffffff, .base = 0};
    for (auto* segment : {&registers.ds, &registers.es, &registers.ss})
      *segment = {.selector = 16, .attributes = 0xc093, .limit = 0xffffffff, .base = 0};
    cpu->set_registers(registers);
  }

  std::mt19937_64 random_;
  Rubbish device_;
  Controller controller_;
};

void run_garbage(std::chrono::milliseconds time) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  Garbage garbage(seed);
  std::atomic<bool> done = false;
  std::thread kicker([&] {  // endless loops and endless faults are a guest's right
    while (!done) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      garbage.cpu->kick();
    }
  });
  unsigned worlds = 0, shutdowns = 0;
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
    garbage.shuffle();
    ++worlds;
    for (unsigned round = 0; round < 8; ++round) {
      const auto reason = garbage.run();
      ASSERT_NE(reason, ExitReason::failed);
      if (reason == ExitReason::shutdown) {
        ++shutdowns;
        break;
      }
    }
  }
  done = true;
  kicker.join();
  std::printf("%u worlds, %u shutdowns, %llu instructions\n", worlds, shutdowns,
              static_cast<unsigned long long>(garbage.cpu->insns()));
  EXPECT_GT(worlds, 0u);
}

TEST(X86Garbage, DoesNoHarm) { run_garbage(std::chrono::milliseconds(1500)); }
TEST(X86Garbage, SlowDoesNoHarm) { run_garbage(std::chrono::minutes(2)); }

}  // namespace
}  // namespace strata::engine
