// A KVM virtual machine: its file descriptors, and the guest's RAM as memory slots.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "memory/address_space.h"

namespace strata::kvm {

class KvmVm {
 public:
  static Result<std::unique_ptr<KvmVm>> make(memory::AddressSpace& memory);

  int system() const { return system_.get(); }
  int get() const { return vm_.get(); }

  /// Makes KVM's slots what the address space's RAM is now. With the device lock held, no processor running.
  Result<void> update_slots();

 private:
  struct Slot {
    uint64_t address = 0;
    uint64_t size = 0;
    std::byte* host = nullptr;
    bool read_only = false;
    bool operator==(const Slot&) const = default;
  };

  KvmVm(memory::AddressSpace& memory, UniqueFd system, UniqueFd vm)
      : memory_(memory), system_(std::move(system)), vm_(std::move(vm)) {}
  std::vector<Slot> wanted_slots();
  Result<void> set_slot(uint32_t number, const Slot& slot);

  memory::AddressSpace& memory_;
  UniqueFd system_, vm_;
  std::vector<Slot> slots_;  ///< by slot number
};

}  // namespace strata::kvm
