// Where the program begins: what guard_own_program is for, done before the C library is up.
//
// A program that is started twice need not be set up twice: the C library asks the processor some thirty questions
// (CPUID), each of which leaves a virtual machine, and applies relocations; by which half of the second start is saved.
// Nothing of the library may be used here, nor what the compiler makes calls of: no copies of structures, no loops over
// memory. What cannot be done here is left to guard_own_program, which looks again.
#if defined(__x86_64__) && !defined(STRATA_SANITIZED)

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/syscall.h>

namespace {

[[gnu::always_inline]] inline long call(long number, long first, const void* second, long third, const void* fourth,
                                        long fifth) {
  register const void* r10 __asm__("r10") = fourth;
  register long r8 __asm__("r8") = fifth;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(first), "S"(second), "d"(third), "r"(r10), "r"(r8)
                   : "rcx", "r11", "memory");
  return result;
}

constexpr long read_only = 1;  // ST_RDONLY, as statfs(2) gives it
constexpr const char* own_path = "/proc/self/exe";

}  // namespace

// `stack` is as the kernel left it: the number of arguments, the arguments, 0, the environment, 0.
extern "C" [[gnu::used, gnu::no_stack_protector]] void strata_guard_first(char** stack) {
  char** const arguments = stack + 1;
  char** const environment = arguments + reinterpret_cast<long>(stack[0]) + 1;
  struct statfs own;
  if (call(SYS_statfs, reinterpret_cast<long>(own_path), &own, 0, nullptr, 0) != 0 || own.f_flags & read_only) return;
  const long tree = call(SYS_open_tree, AT_FDCWD, own_path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC, nullptr, 0);
  if (tree < 0) return;
  mount_attr attributes;
  attributes.attr_set = MOUNT_ATTR_RDONLY;
  attributes.attr_clr = 0;
  attributes.propagation = 0;
  attributes.userns_fd = 0;
  if (call(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes) == 0)
    call(SYS_execveat, tree, "", reinterpret_cast<long>(arguments), environment, AT_EMPTY_PATH);
  call(SYS_close, tree, nullptr, 0, nullptr, 0);
}

// The kernel's registers and stack reach the C library's own beginning as they were.
__asm__(
    ".text\n"
    ".globl strata_oci_begin\n"
    ".type strata_oci_begin, @function\n"
    "strata_oci_begin:\n"
    "  xor %ebp, %ebp\n"
    "  mov %rsp, %rdi\n"
    "  push %rdx\n"
    "  push %rdx\n"
    "  call strata_guard_first\n"
    "  pop %rdx\n"
    "  pop %rdx\n"
    "  jmp _start\n"
    ".size strata_oci_begin, . - strata_oci_begin\n");

#endif
