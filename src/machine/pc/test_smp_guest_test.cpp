// The tiny multiboot kernel for two processors, in assembly.
#include "machine/pc/test_guests_test.h"

#if defined(__x86_64__)

// NOLINTBEGIN: assembly
// Below 64 KiB, for the second processor in real mode: 0x7000 the sum, 0x7010 the second is ready or done, 0x7020 how
// often it was woken, 0x7030 what to do, 0x8000 its code.
asm(R"(
.pushsection .rodata
.balign 4096
.global smp_guest_begin, smp_guest_end
.set base, 0x100000
smp_guest_begin:
.code32
  .long 0x1badb002, 0x10000, -(0x1badb002 + 0x10000)
  .long base, base, 0, 0, base + (1f - smp_guest_begin)
1:
  movl $0x90000, %esp
  movl 16(%ebx), %esi          # multiboot: command line
  movb (%esi), %bl
  cld
  movl $0x7000, %edi           # RAM stays as it is over a reset
  movl $16, %ecx
  xorl %eax, %eax
  rep stosl
  movb %bl, 0x7030
  movl $0x8000, %edi
  movl $base + (second - smp_guest_begin), %esi
  movl $second_end - second, %ecx
  rep movsb
  movl $0x1ff, 0xfee000f0
  movl $0x4500, %eax           # INIT
  call signal
  movl $0x4608, %eax           # SIPI, page 8
  call signal
  movl $0x4608, %eax
  call signal
  cmpb $'c', %bl ; je count
  cmpb $'w', %bl ; je wake
  cmpb $'n', %bl ; je wake
1: pause
  jmp 1b

# eax to the second processor.
signal:
  movl $0x1000000, 0xfee00310
  movl %eax, 0xfee00300
  ret

count:
  movl $100000, %ecx
1: lock incl 0x7000
  decl %ecx
  jnz 1b
1: pause
  cmpl $1, 0x7010
  jne 1b
  movb $'+', %al
  cmpl $200000, 0x7000
  je 1f
  movb $'-', %al
1: movw $0x3f8, %dx
  outb %al, %dx
  movw $0x604, %dx
  movw $0x3400, %ax ; outw %ax, %dx
1: hlt
  jmp 1b

wake:
  movl $0, %ebp
1: pause
  cmpl $1, 0x7010
  jne 1b
next:
  rdtsc
  movl %eax, %ecx
1: pause                       # 5 ms, in which it falls asleep
  rdtsc
  subl %ecx, %eax
  cmpl $5000000, %eax
  jb 1b
  movl $0x50, %eax
  cmpb $'n', %bl
  jne 1f
  movl $0x400, %eax
1: call signal
  incl %ebp
1: pause
  cmpl %ebp, 0x7020
  jne 1b
  cmpl $3, %ebp
  jb next
  cli
1: hlt
  jmp 1b

.code16
second:
  xorw %ax, %ax
  movw %ax, %ds
  movw %ax, %ss
  movw $0x6ff0, %sp
  movb 0x7030, %al
  cmpb $'c', %al ; je second_counts
  cmpb $'w', %al ; je second_sleeps
  cmpb $'n', %al ; je second_sleeps
  lidt 0x7038                  # zeros
  int3
second_counts:
  movl $100000, %ecx
1: lock incl 0x7000
  decl %ecx
  jnz 1b
  lock incl 0x7010
1: hlt
  jmp 1b
second_sleeps:
  movw $woken - second, 0x50 * 4
  movw $0x800, 0x50 * 4 + 2
  movw $woken_by_nmi - second, 2 * 4
  movw $0x800, 2 * 4 + 2
  movl $0x1b, %ecx             # x2APIC: a page of registers above 1 MiB is out of reach here
  rdmsr
  orl $0xc00, %eax
  wrmsr
  movl $0x80f, %ecx
  movl $0x1ff, %eax
  xorl %edx, %edx
  wrmsr
  movl $1, 0x7010
  movb 0x7030, %al
  cmpb $'n', %al
  je 1f
  sti
1: hlt
  jmp 1b
woken:
  movl $0x80b, %ecx            # end of interrupt
  xorl %eax, %eax
  xorl %edx, %edx
  wrmsr
woken_by_nmi:
  movw $0x3f8, %dx
  movb $'.', %al ; outb %al, %dx
  incl 0x7020
  cmpl $3, 0x7020
  je 1f
  iretw
1: movb $'w', %al ; outb %al, %dx
  movw $0x604, %dx
  movw $0x3400, %ax ; outw %ax, %dx
1: hlt
  jmp 1b
second_end:
.byte 0
smp_guest_end:
.code64
.popsection
)");
// NOLINTEND

#endif
