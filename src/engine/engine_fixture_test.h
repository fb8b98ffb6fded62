// A machine of RAM, one device and a toy processor, for the engine's tests.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <memory>

#include "engine/engine.h"
#include "engine/toy_guest_test.h"

namespace strata::engine {

struct EngineTest : testing::Test {
  static constexpr uint64_t ram_size = 256 * ir::page_size;
  static constexpr uint64_t device_base = uint64_t{1} << 32;
  static constexpr uint64_t page_table = 0x80000;

  /// Counts accesses, and calls back on writes.
  struct Device : iface::BusDevice {
    std::vector<uint64_t> written;
    uint64_t answer = 0;
    std::function<void()> on_write;
    uint64_t read(uint64_t, unsigned) override { return answer; }
    void write(uint64_t, unsigned, uint64_t value) override {
      written.push_back(value);
      if (on_write) on_write();
    }
  };

  std::unique_ptr<memory::Ram> ram = std::move(*memory::Ram::make(ram_size));
  memory::DeviceLock lock;
  memory::AddressSpace space{*ram, lock};
  memory::PortSpace ports{lock};
  Device device, port_device;
  toy::Guest guest;
  toy::Backend backend;
  EngineOptions options;
  uint64_t code_bytes = SharedCode::usual_bytes;
  std::unique_ptr<SharedCode> shared;
  std::unique_ptr<Engine> engine;

  EngineTest() {
    space.add({.name = "ram", .base = 0, .size = ram_size, .kind = memory::Kind::ram});
    space.add({.name = "device", .base = device_base, .size = ir::page_size, .device = &device});
    ports.add(0x10, 1, port_device);
    options.ports = &ports;
    options.verify = true;
  }
  void SetUp() override { make(); }
  void make() {
    engine.reset();
    shared = std::make_unique<SharedCode>(std::shared_ptr<codegen::Backend>(std::shared_ptr<void>(), &backend), *ram,
                                          code_bytes);
    engine = std::make_unique<Engine>(guest, *shared, space, options);
  }

  /// Puts a program at a physical address, as a loader does.
  void put(uint64_t address, const toy::Assembler& program) {
    space.write(address, std::as_bytes(std::span(program.bytes)));
  }
  iface::Exit run_at(uint64_t pc) {
    guest.regs.pc = pc;
    return engine->run();
  }
  /// Runs to `stop`.
  void finish_at(uint64_t pc) { ASSERT_EQ(run_at(pc).reason, iface::ExitReason::shutdown) << engine->stats().insns; }

  /// Maps virtual page `page` to a frame.
  void map(uint64_t page, uint64_t frame, uint64_t bits = toy::Pte::all) {
    space.write_as<uint64_t>(page_table + page * 8, frame | bits);
  }
  uint64_t& r(unsigned number) { return guest.regs.r[number]; }
};

}  // namespace strata::engine
