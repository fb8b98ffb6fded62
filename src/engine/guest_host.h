// What a front end asks of its surroundings, answered from the MMU, the ports and the clock.
#pragma once

#include <cstdint>
#include <functional>

#include "engine/soft_mmu.h"
#include "isa/guest.h"
#include "memory/address_space.h"

namespace strata::engine {

class GuestHost final : public isa::Host {
 public:
  /// `ports` may be nullptr: all ones, and lost.
  GuestHost(SoftMmu& mmu, RamMap& ram, memory::PortSpace* ports, std::function<uint64_t()> ticks, uint64_t tick_rate)
      : mmu_(mmu), ram_(ram), ports_(ports), ticks_(std::move(ticks)), tick_rate_(tick_rate) {}

  bool read(uint64_t address, void* out, unsigned size, ir::Space space) override {
    return mmu_.read(address, out, size, space);
  }
  bool write(uint64_t address, const void* in, unsigned size, ir::Space space) override {
    return mmu_.write(address, in, size, space);
  }
  bool probe(uint64_t address, unsigned size, ir::Space space, isa::Access access) override {
    return mmu_.probe(address, size, space, access);
  }
  bool fetch(uint64_t address, void* out, unsigned size, ir::Space space) override {
    return mmu_.fetch(address, out, size, space);
  }
  void read_physical(uint64_t address, void* out, unsigned size) override { ram_.read(address, out, size); }
  void write_physical(uint64_t address, const void* in, unsigned size) override { ram_.write(address, in, size); }
  bool compare_exchange_physical(uint64_t address, unsigned size, uint64_t expected, uint64_t desired) override {
    return ram_.compare_exchange(address, size, expected, desired);
  }
  void flush_mappings(bool flush_global) override { mmu_.flush_mappings(flush_global); }
  void flush_mapping(uint64_t address) override { mmu_.flush_mapping(address); }
  void switch_address_space(uint64_t space, bool keep) override { mmu_.switch_address_space(space, keep); }
  void flush_address_space(uint64_t space) override { mmu_.flush_address_space(space); }

  uint32_t port_in(uint16_t port, unsigned size) override {
    return ports_ != nullptr ? ports_->read(port, size) : ~uint32_t{0} >> (32 - 8 * size);
  }
  void port_out(uint16_t port, unsigned size, uint32_t value) override {
    if (ports_ != nullptr) ports_->write(port, size, value);
  }
  uint64_t ticks() override { return ticks_(); }
  uint64_t tick_rate() override { return tick_rate_; }

 private:
  SoftMmu& mmu_;
  RamMap& ram_;
  memory::PortSpace* ports_;
  std::function<uint64_t()> ticks_;
  uint64_t tick_rate_;
};

}  // namespace strata::engine
