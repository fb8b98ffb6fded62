// KVM's virtual machine (Documentation/virt/kvm/api.rst): creation and memory slots.
#include "kvm/kvm_vm.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

#include <algorithm>

#include "base/log.h"

namespace strata::kvm {
namespace {

constexpr int api_version = 12;

// Three pages and one that Intel hosts need inside the guest's physical addresses: in the hole below 4 GiB.
constexpr uint64_t identity_map_address = 0xfeffc000;
constexpr uint64_t tss_address = 0xfeffd000;

}  // namespace

Result<std::unique_ptr<KvmVm>> KvmVm::make(memory::AddressSpace& memory) {
  UniqueFd system(::open("/dev/kvm", O_RDWR | O_CLOEXEC));
  if (!system) return fail_errno("opening /dev/kvm");
  if (const int version = ::ioctl(system.get(), KVM_GET_API_VERSION, 0); version != api_version) {
    return fail(ErrorCode::unsupported, "/dev/kvm speaks version {}, {} is known", version, api_version);
  }
  for (const int capability : {KVM_CAP_USER_MEMORY, KVM_CAP_IMMEDIATE_EXIT, KVM_CAP_SET_TSS_ADDR}) {
    if (::ioctl(system.get(), KVM_CHECK_EXTENSION, capability) <= 0) {
      return fail(ErrorCode::unsupported, "/dev/kvm lacks capability {}: the host's kernel is too old", capability);
    }
  }
  UniqueFd vm(::ioctl(system.get(), KVM_CREATE_VM, 0));
  if (!vm) return fail_errno("making a KVM virtual machine");
  uint64_t identity_map = identity_map_address;
  if (::ioctl(vm.get(), KVM_SET_IDENTITY_MAP_ADDR, &identity_map) < 0 ||
      ::ioctl(vm.get(), KVM_SET_TSS_ADDR, tss_address) < 0) {
    return fail_errno("setting up a KVM virtual machine");
  }
  std::unique_ptr<KvmVm> made(new KvmVm(memory, std::move(system), std::move(vm)));
  STRATA_TRY(made->update_slots());
  return made;
}

std::vector<KvmVm::Slot> KvmVm::wanted_slots() {
  constexpr uint64_t physical_limit = uint64_t{1} << 52;
  std::vector<Slot> slots;
  for (uint64_t address = 0; address < physical_limit;) {
    const memory::Found found = memory_.find(address);
    if (found.left == 0) break;
    if (found.region && found.region->kind != memory::Kind::device) {
      slots.push_back({.address = address,
                       .size = found.left,
                       .host = memory_.ram().at(found.region->ram_offset + found.offset),
                       .read_only = found.region->kind == memory::Kind::rom});
    }
    if (found.left > physical_limit - address) break;
    address += found.left;
  }
  // KVM maps whole pages only: what is cut smaller by a device on top is served by exits.
  std::erase_if(slots,
                [](const Slot& s) { return s.address % memory::page_size != 0 || s.size % memory::page_size != 0; });
  return slots;
}

Result<void> KvmVm::set_slot(uint32_t number, const Slot& slot) {
  kvm_userspace_memory_region region = {};
  region.slot = number;
  region.flags = slot.read_only ? KVM_MEM_READONLY : 0;
  region.guest_phys_addr = slot.address;
  region.memory_size = slot.size;
  region.userspace_addr = reinterpret_cast<uint64_t>(slot.host);
  if (::ioctl(vm_.get(), KVM_SET_USER_MEMORY_REGION, &region) < 0) {
    return fail_errno("mapping {:#x} bytes at {:#x} into a KVM virtual machine", slot.size, slot.address);
  }
  return {};
}

Result<void> KvmVm::update_slots() {
  const std::vector<Slot> wanted = wanted_slots();
  for (uint32_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].size != 0 && std::ranges::find(wanted, slots_[i]) == wanted.end()) {
      slots_[i].size = 0;  // what deletes a slot
      STRATA_TRY(set_slot(i, slots_[i]));
    }
  }
  for (const Slot& slot : wanted) {
    if (std::ranges::find(slots_, slot) != slots_.end()) continue;
    auto free = std::ranges::find(slots_, uint64_t{0}, &Slot::size);
    if (free == slots_.end()) free = slots_.insert(slots_.end(), Slot{});
    *free = slot;
    STRATA_TRY(set_slot(static_cast<uint32_t>(free - slots_.begin()), slot));
  }
  return {};
}

}  // namespace strata::kvm
