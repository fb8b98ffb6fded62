// Runs a program on the host's own processor: registers in, code, registers out; faults come back as vectors.
#include <gtest/gtest.h>

#include "isa/x86/lockstep/world_test.h"

#if defined(__x86_64__) && defined(__linux__)
#include <sys/mman.h>
#include <ucontext.h>
#include <csignal>
#include <cstddef>

namespace strata::isa::x86::lockstep {
namespace {

/// At a fixed address, so that the switch code needs no register to find it.
struct Switch {
  FxArea fx;                     // 0
  std::array<uint64_t, 16> gpr;  // 512
  uint64_t flags;                // 640
  uint64_t host_rsp;             // 648
  uint64_t entry;                // 656
  uint64_t leave;                // 664: where programs jump at their end
  uint32_t far_offset;           // 672: far pointers for 32-bit code
  uint16_t far_selector;         // 676
  FxArea host_fx;                // 688
};
constexpr uint64_t switch_base = 0x1001'0000;
static_assert(offsetof(Switch, gpr) == 512 && offsetof(Switch, flags) == 640 && offsetof(Switch, leave) == 664 &&
              offsetof(Switch, far_offset) == 672 && offsetof(Switch, host_fx) == 688);

constexpr uint16_t user_code64 = 0x33, user_code32 = 0x23;  // Linux's; its data segment is 0x2b

extern "C" void strata_lockstep_enter();
extern "C" void strata_lockstep_enter_32();
extern "C" void strata_lockstep_leave();

// 0x10010000 is switch_base. gpr is in the order of the registers' numbers: rax rcx rdx rbx rsp rbp rsi rdi r8 ...
asm(R"(
.text
.globl strata_lockstep_enter
strata_lockstep_enter:
  push %rbx
  push %rbp
  push %r12
  push %r13
  push %r14
  push %r15
  fxsave64 0x10010000+688
  mov %rsp, 0x10010000+648
  fxrstor64 0x10010000
  mov $0x2b, %eax
  mov %eax, %ds
  mov %eax, %es
  pushq 0x10010000+640
  popfq
  mov 0x10010000+512, %rax
  mov 0x10010000+512+8, %rcx
  mov 0x10010000+512+16, %rdx
  mov 0x10010000+512+24, %rbx
  mov 0x10010000+512+32, %rsp
  mov 0x10010000+512+40, %rbp
  mov 0x10010000+512+48, %rsi
  mov 0x10010000+512+56, %rdi
  mov 0x10010000+512+64, %r8
  mov 0x10010000+512+72, %r9
  mov 0x10010000+512+80, %r10
  mov 0x10010000+512+88, %r11
  mov 0x10010000+512+96, %r12
  mov 0x10010000+512+104, %r13
  mov 0x10010000+512+112, %r14
  mov 0x10010000+512+120, %r15
  jmp *0x10010000+656
.globl strata_lockstep_enter_32
strata_lockstep_enter_32:
  ljmpl *0x10010000+672
.globl strata_lockstep_leave
strata_lockstep_leave:
  mov %rax, 0x10010000+512
  mov %rcx, 0x10010000+512+8
  mov %rdx, 0x10010000+512+16
  mov %rbx, 0x10010000+512+24
  mov %rsp, 0x10010000+512+32
  mov %rbp, 0x10010000+512+40
  mov %rsi, 0x10010000+512+48
  mov %rdi, 0x10010000+512+56
  mov %r8, 0x10010000+512+64
  mov %r9, 0x10010000+512+72
  mov %r10, 0x10010000+512+80
  mov %r11, 0x10010000+512+88
  mov %r12, 0x10010000+512+96
  mov %r13, 0x10010000+512+104
  mov %r14, 0x10010000+512+112
  mov %r15, 0x10010000+512+120
  mov 0x10010000+648, %rsp
  pushfq
  popq 0x10010000+640
  cld
  fxsave64 0x10010000
  fxrstor64 0x10010000+688
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %rbp
  pop %rbx
  ret
)");

Switch& the_switch() { return *reinterpret_cast<Switch*>(switch_base); }

int fault_vector = -1;
uint64_t fault_rip = 0;

/// Turns a fault of the program into its end, with the registers as they were.
void on_fault(int signal, siginfo_t*, void* raw) {
  auto& registers = static_cast<ucontext_t*>(raw)->uc_mcontext.gregs;
  const auto rip = static_cast<uint64_t>(registers[REG_RIP]);
  if (rip < code_base || rip > code_base + code_size) {  // a fault of our own
    std::signal(signal, SIG_DFL);
    return;
  }
  fault_vector = static_cast<int>(registers[REG_TRAPNO]);
  fault_rip = rip;
  registers[REG_RIP] = reinterpret_cast<long long>(strata_lockstep_leave);
  registers[REG_CSGSFS] = (registers[REG_CSGSFS] & ~0xffffLL) | user_code64;
}

bool map_fixed(uint64_t base, uint64_t size, int protection) {
  void* wanted = reinterpret_cast<void*>(base);
  return mmap(wanted, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == wanted;
}

/// Once a process: the regions, and a signal stack, as programs have their own.
bool prepare() {
  static std::array<std::byte, 65536> signal_stack;
  if (!map_fixed(code_base, code_size, PROT_READ | PROT_WRITE | PROT_EXEC)) return false;
  if (!map_fixed(switch_base, 0x1000, PROT_READ | PROT_WRITE)) return false;
  if (!map_fixed(data_base, data_size, PROT_READ | PROT_WRITE)) return false;
  if (!map_fixed(stack_base, stack_size, PROT_READ | PROT_WRITE)) return false;
  stack_t stack{};
  stack.ss_sp = signal_stack.data();
  stack.ss_size = signal_stack.size();
  sigaltstack(&stack, nullptr);
  struct sigaction action {};
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  for (int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP}) sigaction(signal, &action, nullptr);
  return true;
}

bool prepared() {
  static const bool done = prepare();
  return done;
}

/// The program, then the way back: through `leave` in 64-bit code, through a far jump to that in 32-bit code.
void place(const Program& program) {
  std::vector<uint8_t> code = program.code;
  const auto word = [&](uint64_t value, unsigned size) {
    for (unsigned i = 0; i < size; ++i) code.push_back(static_cast<uint8_t>(value >> (8 * i)));
  };
  if (program.code_size == CodeSize::bits32) {  // ljmp $0x33, the next instruction
    code.push_back(0xea);
    word(code_base + code.size() + 6, 4);
    word(user_code64, 2);
  }
  code.insert(code.end(), {0xff, 0x24, 0x25});  // jmp *leave
  word(switch_base + offsetof(Switch, leave), 4);
  std::memcpy(reinterpret_cast<void*>(code_base), code.data(), code.size());
}

}  // namespace

bool host_runs(CodeSize size) {
  if (!prepared()) return false;
  if (size == CodeSize::bits64) return true;
  static const bool compatible = [] {
    Program nothing;
    nothing.code_size = CodeSize::bits32;
    nothing.code = {0x40};  // inc eax; in 64-bit code a prefix
    nothing.registers.gpr[4] = stack_start;
    return run_on_host(nothing).registers.gpr[0] == 1;
  }();
  return compatible;
}

bool host_scans_keep_flags() {
  static const bool keep = [] {
    constexpr uint64_t all_but_zero = 0x895;  // CF PF AF SF OF
    Program scan;
    scan.code = {0x0f, 0xbc, 0xc1};  // bsf eax, ecx: index 1, whose own flags are all clear
    scan.registers.gpr[1] = 2;
    scan.registers.gpr[4] = stack_start;
    scan.registers.flags |= all_but_zero;
    return (run_on_host(scan).registers.flags & all_but_zero) == all_but_zero;
  }();
  return keep;
}

Outcome run_on_host(const Program& program) {
  Switch& s = the_switch();
  place(program);
  s.fx = program.registers.fx;
  s.gpr = program.registers.gpr;
  s.flags = program.registers.flags | 0x202;
  const bool is_32 = program.code_size == CodeSize::bits32;
  s.entry = is_32 ? reinterpret_cast<uint64_t>(strata_lockstep_enter_32) : code_base;
  s.leave = reinterpret_cast<uint64_t>(strata_lockstep_leave);
  s.far_offset = static_cast<uint32_t>(code_base);
  s.far_selector = user_code32;
  std::memcpy(reinterpret_cast<void*>(data_base), program.memory.data.data(), data_size);
  std::memcpy(reinterpret_cast<void*>(stack_base), program.memory.stack.data(), stack_size);
  fault_vector = -1;
  fault_rip = code_base + program.code.size();
  strata_lockstep_enter();
  asm volatile("" ::: "memory");

  Outcome outcome;
  outcome.registers = {s.gpr, s.flags & flags_compared, fault_rip, fault_vector, s.fx};
  std::memcpy(outcome.memory.data.data(), reinterpret_cast<void*>(data_base), data_size);
  std::memcpy(outcome.memory.stack.data(), reinterpret_cast<void*>(stack_base), stack_size);
  return outcome;
}

}  // namespace strata::isa::x86::lockstep

#else

namespace strata::isa::x86::lockstep {
bool host_runs(CodeSize) { return false; }
bool host_scans_keep_flags() { return false; }
Outcome run_on_host(const Program&) { return {}; }
}  // namespace strata::isa::x86::lockstep

#endif
