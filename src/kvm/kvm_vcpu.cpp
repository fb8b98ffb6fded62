// The KVM processor: runs, serves exits, hands interrupts in.
#include "kvm/kvm_vcpu.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "base/log.h"
#include "kvm/kvm_cpuid.h"
#include "kvm/kvm_registers.h"
#include "kvm/kvm_vm.h"

namespace strata::kvm {
namespace {

constexpr int kick_signal = SIGUSR1;
constexpr uint64_t apic_base_after_reset = 0xfee00900;  // enabled, bootstrap processor

/// A handler that does nothing: the signal is there to end a system call.
void take_over_kick_signal() {
  struct sigaction action = {};
  action.sa_handler = [](int) {};
  ::sigaction(kick_signal, &action, nullptr);
}

class KvmVcpu final : public iface::X86Vcpu {
 public:
  explicit KvmVcpu(const KvmVcpuOptions& options)
      : memory_(*options.memory), ports_(*options.ports), interrupts_(*options.interrupts) {}
  ~KvmVcpu() override {
    *alive_ = nullptr;
    if (run_ != nullptr) ::munmap(run_, run_size_);
  }

  Result<void> build();

  iface::Exit run() override;
  void kick() override {
    kicked_ = true;
    interrupt_changed();
  }
  void interrupt_changed() override;
  bool runnable() override { return kicked_ || nmi_ || init_ || interrupts_.pending(); }
  void reset() override;
  std::vector<iface::Figure> figures(std::span<const Vcpu* const> others) const override;
  std::string describe() const override { return describe_registers(registers()); }
  Result<std::vector<std::byte>> save() const override { return save_vcpu(vcpu_.get()); }
  Result<void> restore(std::span<const std::byte> blob) override { return restore_vcpu(vcpu_.get(), blob); }
  iface::X86Registers registers() const override { return get_registers(vcpu_.get()); }
  void set_registers(const iface::X86Registers& to) override { kvm::set_registers(vcpu_.get(), to); }
  void init_signal() override {
    init_ = true;
    interrupt_changed();
  }
  void start_up(uint8_t) override {}  // it is the bootstrap processor
  void nmi() override {
    nmi_ = true;
    interrupt_changed();
  }

 private:
  void hand_in_signals();
  void hand_in_interrupt();
  int run_guest();
  /// Nothing: go on.
  std::optional<iface::Exit> serve_exit();
  void serve_port();
  void serve_memory();

  memory::AddressSpace& memory_;
  memory::PortSpace& ports_;
  iface::InterruptSource& interrupts_;
  std::unique_ptr<KvmVm> vm_;
  UniqueFd vcpu_;
  kvm_run* run_ = nullptr;
  size_t run_size_ = 0;
  std::atomic<bool> kicked_ = false;
  std::atomic<bool> nmi_ = false, init_ = false;  ///< have come
  std::atomic<bool> inside_ = false;              ///< the thread is in the kernel, or on its way
  pthread_t thread_ = {};                         ///< valid while inside_
  bool slots_changed_ = false;                    ///< by a device call, so on the processor's own thread
  std::vector<std::byte> initial_;                ///< what reset() goes back to
  iface::X86Registers registers_at_reset_;
  /// What the kernel came back for.
  struct {
    uint64_t all = 0, port = 0, memory = 0, halt = 0;
  } exits_;
  /// For the address space's callback, which cannot be taken back: who it is for, while it lives.
  std::shared_ptr<KvmVcpu*> alive_ = std::make_shared<KvmVcpu*>(this);
};

Result<void> KvmVcpu::build() {
  vm_ = STRATA_TRY(KvmVm::make(memory_));
  vcpu_ = UniqueFd(::ioctl(vm_->get(), KVM_CREATE_VCPU, 0));
  if (!vcpu_) return fail_errno("making a KVM processor");
  const int size = ::ioctl(vm_->system(), KVM_GET_VCPU_MMAP_SIZE, 0);
  if (size < static_cast<int>(sizeof(kvm_run))) return fail_errno("asking KVM for the size of its run area");
  run_size_ = static_cast<size_t>(size);
  void* area = ::mmap(nullptr, run_size_, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu_.get(), 0);
  if (area == MAP_FAILED) return fail_errno("mapping KVM's run area");
  run_ = static_cast<kvm_run*>(area);
  // Before CPUID, whose APIC bit KVM derives from it.
  kvm_sregs sregs = {};
  ::ioctl(vcpu_.get(), KVM_GET_SREGS, &sregs);
  sregs.apic_base = apic_base_after_reset;
  ::ioctl(vcpu_.get(), KVM_SET_SREGS, &sregs);
  STRATA_TRY(set_cpuid(vm_->system(), vcpu_.get()));
  take_over_kick_signal();
  initial_ = STRATA_TRY(save_vcpu(vcpu_.get()));
  registers_at_reset_ = get_registers(vcpu_.get());
  memory_.on_change([alive = alive_] {
    if (*alive) (*alive)->slots_changed_ = true;
  });
  return {};
}

void KvmVcpu::reset() {
  nmi_ = init_ = false;
  if (auto done = restore_vcpu(vcpu_.get(), initial_); !done)
    log::error("resetting the processor: {}", done.error().message);
}

void KvmVcpu::interrupt_changed() {
  // First the flag, then the look at inside_: run_guest() does it in the other order, so that one sees the other.
  std::atomic_ref<uint8_t>(run_->immediate_exit).store(1);
  if (inside_) ::pthread_kill(thread_, kick_signal);
}

void KvmVcpu::hand_in_signals() {
  if (init_.exchange(false)) {
    constexpr uint64_t caches_off = 3u << 29;
    iface::X86Registers registers = registers_at_reset_;
    registers.cr0 = (registers.cr0 & ~caches_off) | (get_registers(vcpu_.get()).cr0 & caches_off);
    set_registers(registers);
  }
  if (nmi_.exchange(false)) ::ioctl(vcpu_.get(), KVM_NMI);
}

void KvmVcpu::hand_in_interrupt() {
  if (interrupts_.pending() && run_->ready_for_interrupt_injection != 0) {
    const int vector = interrupts_.acknowledge();
    if (vector >= 0) {
      kvm_interrupt interrupt = {.irq = static_cast<uint32_t>(vector)};
      ::ioctl(vcpu_.get(), KVM_INTERRUPT, &interrupt);
      run_->ready_for_interrupt_injection = 0;
    }
  }
  run_->request_interrupt_window = interrupts_.pending() ? 1 : 0;
}

/// One KVM_RUN; 0 or an errno.
int KvmVcpu::run_guest() {
  thread_ = ::pthread_self();
  inside_ = true;
  std::atomic_ref<uint8_t>(run_->immediate_exit).store(0);
  int result = EINTR;
  if (!kicked_) {
    hand_in_signals();
    hand_in_interrupt();
    run_->cr8 = interrupts_.priority();
    result = ::ioctl(vcpu_.get(), KVM_RUN, 0) < 0 ? errno : 0;
    if (run_->cr8 != interrupts_.priority()) interrupts_.set_priority(static_cast<uint8_t>(run_->cr8));
  }
  inside_ = false;
  return result;
}

iface::Exit KvmVcpu::run() {
  for (;;) {
    if (kicked_.exchange(false)) return {.reason = iface::ExitReason::interrupted, .message = {}};
    if (std::exchange(slots_changed_, false)) {
      std::lock_guard guard(memory_.lock());
      if (auto done = vm_->update_slots(); !done) return {iface::ExitReason::failed, done.error().message};
    }
    const int error = run_guest();
    if (error == EINTR || error == EAGAIN) continue;
    if (error != 0) {
      return {iface::ExitReason::failed, error_from_errno(error).context("running the processor under KVM").message};
    }
    if (auto exit = serve_exit()) return *std::move(exit);
  }
}

std::vector<iface::Figure> KvmVcpu::figures(std::span<const Vcpu* const>) const {  // there is one processor
  using Unit = iface::Figure::Unit;
  const uint64_t rest = exits_.all - exits_.port - exits_.memory - exits_.halt;
  return {{"exits from the guest", exits_.all, Unit::count, "by what the kernel came back for:"},
          {"  port", exits_.port},
          {"  memory", exits_.memory, Unit::count, "devices behind addresses"},
          {"  halt", exits_.halt, Unit::count, "the processor waits"},
          {"  rest", rest, Unit::count, "interrupts and requests"}};
}

std::optional<iface::Exit> KvmVcpu::serve_exit() {
  using iface::ExitReason;
  ++exits_.all;
  switch (run_->exit_reason) {
    case KVM_EXIT_IO:
      ++exits_.port;
      serve_port();
      return std::nullopt;
    case KVM_EXIT_MMIO:
      ++exits_.memory;
      serve_memory();
      return std::nullopt;
    case KVM_EXIT_IRQ_WINDOW_OPEN:
    case KVM_EXIT_SET_TPR:
    case KVM_EXIT_INTR: return std::nullopt;
    case KVM_EXIT_HLT: ++exits_.halt; return iface::Exit{ExitReason::halted, {}};
    case KVM_EXIT_SHUTDOWN: return iface::Exit{ExitReason::shutdown, {}};
    case KVM_EXIT_DEBUG: return iface::Exit{ExitReason::debug, {}};
    case KVM_EXIT_FAIL_ENTRY:
      return iface::Exit{ExitReason::failed, fmt::format("KVM could not enter the guest (hardware reason {:#x})",
                                                         uint64_t{run_->fail_entry.hardware_entry_failure_reason})};
    case KVM_EXIT_INTERNAL_ERROR:
      return iface::Exit{ExitReason::failed, fmt::format("KVM gave up (internal error {}): {}",
                                                         uint32_t{run_->internal.suberror}, describe())};
    default:
      return iface::Exit{ExitReason::failed, fmt::format("KVM exit {} is not known", uint32_t{run_->exit_reason})};
  }
}

void KvmVcpu::serve_port() {
  auto* data = reinterpret_cast<std::byte*>(run_) + run_->io.data_offset;
  const unsigned size = run_->io.size;
  for (uint32_t i = 0; i < run_->io.count; ++i, data += size) {
    uint32_t value = 0;
    if (run_->io.direction == KVM_EXIT_IO_OUT) {
      std::memcpy(&value, data, size);
      ports_.write(run_->io.port, size, value);
    } else {
      value = ports_.read(run_->io.port, size);
      std::memcpy(data, &value, size);
    }
  }
}

void KvmVcpu::serve_memory() {
  const auto bytes = std::as_writable_bytes(std::span(run_->mmio.data)).first(std::min<size_t>(run_->mmio.len, 8));
  if (run_->mmio.is_write != 0) {
    memory_.write(run_->mmio.phys_addr, bytes);
  } else {
    memory_.read(run_->mmio.phys_addr, bytes);
  }
}

}  // namespace

Result<void> kvm_available() {
  const UniqueFd system(::open("/dev/kvm", O_RDWR | O_CLOEXEC));
  if (!system) return fail_errno("opening /dev/kvm");
  return {};
}

Result<std::unique_ptr<iface::X86Vcpu>> make_kvm_vcpu(const KvmVcpuOptions& options) {
  auto vcpu = std::make_unique<KvmVcpu>(options);
  STRATA_TRY(vcpu->build());
  return vcpu;
}

}  // namespace strata::kvm
