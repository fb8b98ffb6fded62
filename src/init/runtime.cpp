// What a C library would bring: where the program starts, and the functions that compilers call by themselves.
#include <stddef.h>

#include "init/program.h"

#if defined(__x86_64__)
// The kernel leaves argc, argv and the environment on the stack (System V ABI, AMD64 supplement, 3.4.1).
asm(R"(
  .globl _start
_start:
  xor %ebp, %ebp
  mov %rsp, %rdi
  and $-16, %rsp
  call strata_init_start
)");
#else
#error "strata-init: how a program starts on this host is not written yet"
#endif

extern "C" [[noreturn]] void strata_init_start(long* stack) {
  const long count = stack[0];
  char** arguments = reinterpret_cast<char**>(stack + 1);
  strata::init::run_program(static_cast<int>(count), arguments, arguments + count + 1);
}

extern "C" {

void* memset(void* to, int value, size_t size) {
  void* result = to;
  asm volatile("rep stosb" : "+D"(to), "+c"(size) : "a"(value) : "memory");
  return result;
}

void* memcpy(void* to, const void* from, size_t size) {
  void* result = to;
  asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
  return result;
}

void* memmove(void* to, const void* from, size_t size) {
  volatile char* out = static_cast<char*>(to);  // or a compiler makes a call of this very function of it
  const char* in = static_cast<const char*>(from);
  if (out <= in || out >= in + size) return memcpy(to, from, size);
  while (size-- > 0) out[size] = in[size];
  return to;
}

int memcmp(const void* left, const void* right, size_t size) {
  const auto* a = static_cast<const unsigned char*>(left);
  const auto* b = static_cast<const unsigned char*>(right);
  for (size_t i = 0; i < size; i++)
    if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
  return 0;
}

void* memchr(const void* in, int wanted, size_t size) {
  const auto* octets = static_cast<const unsigned char*>(in);
  for (size_t i = 0; i < size; i++)
    if (octets[i] == static_cast<unsigned char>(wanted)) return const_cast<unsigned char*>(&octets[i]);
  return nullptr;
}

size_t strlen(const char* text) {
  const volatile char* at = text;  // as above
  size_t size = 0;
  while (at[size] != 0) size++;
  return size;
}

}  // extern "C"
