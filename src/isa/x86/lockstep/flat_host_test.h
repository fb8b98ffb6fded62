// A front end's host and a unit's memory over one flat array that begins at address 0, without paging.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "isa/x86/cpu.h"

namespace strata::isa::x86::lockstep {

class FlatHost final : public Host, public ir::SlowMemory {
 public:
  explicit FlatHost(size_t size) : memory(size) {}

  std::vector<uint8_t> memory;
  Cpu* cpu = nullptr;

  uint8_t* at(uint64_t address, unsigned size) {
    if (address <= memory.size() && memory.size() - address >= size) return memory.data() + address;
    cpu->state.event = {Event::exception, vector_pf, true, 0, address};
    return nullptr;
  }

  bool load(uint64_t address, unsigned size, ir::Space, void* out) override {
    const uint8_t* from = at(address, size);
    if (from) std::memcpy(out, from, size);
    return from;
  }
  bool store(uint64_t address, unsigned size, ir::Space, const void* in) override {
    uint8_t* to = at(address, size);
    if (to) std::memcpy(to, in, size);
    return to;
  }
  void* pin_for_update(uint64_t address, unsigned size, ir::Space, bool* through_slow_path) override {
    *through_slow_path = false;
    return at(address, size);
  }
  bool read(uint64_t address, void* out, unsigned size, ir::Space space) override {
    return load(address, size, space, out);
  }
  bool write(uint64_t address, const void* in, unsigned size, ir::Space space) override {
    return store(address, size, space, in);
  }
  bool probe(uint64_t address, unsigned size, ir::Space, Access) override { return at(address, size); }
  void read_physical(uint64_t, void* out, unsigned size) override { std::memset(out, 0xff, size); }
  void write_physical(uint64_t, const void*, unsigned) override {}
  bool compare_exchange_physical(uint64_t, unsigned, uint64_t, uint64_t) override { return false; }
  void flush_mappings(bool) override {}
  void flush_mapping(uint64_t) override {}
  uint32_t port_in(uint16_t, unsigned) override { return ~0u; }
  void port_out(uint16_t, unsigned, uint32_t) override {}
  uint64_t ticks() override { return 0; }
  uint64_t tick_rate() override { return 1'000'000'000; }
};

}  // namespace strata::isa::x86::lockstep
