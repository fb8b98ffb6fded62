// The tiny multiboot kernel of the tests, in assembly.
#include "machine/pc/test_guests_test.h"

#if defined(__x86_64__)

// NOLINTBEGIN: assembly
asm(R"(
.pushsection .rodata
.balign 4096
.global test_guest_begin, test_guest_end
.set base, 0x100000
test_guest_begin:
.code32
  .long 0x1badb002, 0x10000, -(0x1badb002 + 0x10000)
  .long base, base, 0, 0, base + (1f - test_guest_begin)
1:
  movl $0x90000, %esp
  movl 16(%ebx), %esi          # multiboot: command line
  movb (%esi), %al
  cmpb $'p', %al ; je print
  cmpb $'r', %al ; je reset
  cmpb $'d', %al ; je debug_exit
  cmpb $'h', %al ; je halt
  cmpb $'s', %al ; je spin
  cmpb $'i', %al ; je with_pic
  cmpb $'a', %al ; je with_apic
  cmpb $'b', %al ; je button
  cmpb $'m', %al ; je memory
  cmpb $'o', %al ; je deadline
  int3                         # no IDT: triple fault

print:
  movw $0x3f8, %dx
  movb $'H', %al ; outb %al, %dx
  movb $'i', %al ; outb %al, %dx
power_off:
  movw $0x604, %dx
  movw $0x3400, %ax ; outw %ax, %dx
halt:
  hlt
  jmp halt
reset:
  movw $0xcf9, %dx
  movb $6, %al ; outb %al, %dx
  jmp halt
debug_exit:
  movw $0xf4, %dx
  movl $3, %eax ; outl %eax, %dx
  jmp halt
spin:
  jmp spin

memory:
  movl 8(%ebx), %ebx
  movl $8, %ecx
  movw $0x3f8, %dx
1: roll $4, %ebx
  movb %bl, %al
  andb $15, %al
  addb $'0', %al
  cmpb $'9', %al ; jbe 2f
  addb $39, %al
2: outb %al, %dx
  loop 1b
  jmp power_off

# Puts the handler (address in eax) at the vector in edi and loads the IDT, which stands at 0x40000.
set_handler:
  leal 0x40000(,%edi,8), %edi
  movw %ax, (%edi)
  movw $0x10, 2(%edi)
  movw $0x8e00, 4(%edi)
  shrl $16, %eax
  movw %ax, 6(%edi)
  movw $0x7ff, 0x3fff0
  movl $0x40000, 0x3fff2
  lidt 0x3fff0
  ret
start_pic:                     # al: mask of the master, ah: of the slave
  pushl %eax
  movb $0x11, %al ; outb %al, $0x20 ; outb %al, $0xa0
  movb $0x20, %al ; outb %al, $0x21
  movb $0x28, %al ; outb %al, $0xa1
  movb $0x04, %al ; outb %al, $0x21
  movb $0x02, %al ; outb %al, $0xa1
  movb $0x01, %al ; outb %al, $0x21 ; outb %al, $0xa1
  popl %eax
  outb %al, $0x21
  movb %ah, %al ; outb %al, $0xa1
  ret
start_pit:                     # 100 Hz
  movb $0x34, %al ; outb %al, $0x43
  movb $0x9c, %al ; outb %al, $0x40
  movb $0x2e, %al ; outb %al, $0x40
  ret

with_pic:
  movl $0x20, %edi
  movl $base + (tick_pic - test_guest_begin), %eax
  call set_handler
  movw $0xfffe, %ax
  call start_pic
  call start_pit
  jmp sleep
tick_pic:
  call dot
  movb $0x20, %al ; outb %al, $0x20
  iret

with_apic:
  movl $0x41, %edi
  movl $base + (tick_apic - test_guest_begin), %eax
  call set_handler
  movw $0xffff, %ax
  call start_pic
  movl $0x1ff, 0xfee000f0
  movl $0x14, 0xfec00000       # pin 2, low half: vector 0x41, edge, unmasked
  movl $0x41, 0xfec00010
  call start_pit
  jmp sleep
tick_apic:
  call dot
  movl $0, 0xfee000b0
  iret

deadline:
  movl $0x42, %edi
  movl $base + (tick_apic - test_guest_begin), %eax
  call set_handler
  movw $0xffff, %ax
  call start_pic
  movl $0x1ff, 0xfee000f0
  movl $0x40042, 0xfee00320    # timer: TSC deadline
  movl $0x3b, %ecx             # TSC_ADJUST: 2^40
  xorl %eax, %eax
  movl $0x100, %edx
  wrmsr
  movl $0, 0x3f000
1: rdtsc
  addl $10000000, %eax
  adcl $0, %edx
  movl $0x6e0, %ecx
  wrmsr
  sti
  hlt
  cli
  cmpl $5, 0x3f000
  jb 1b
  jmp power_off

dot:
  movw $0x3f8, %dx
  movb $'.', %al ; outb %al, %dx
  incl 0x3f000
  ret
sleep:
  movl $0, 0x3f000
1: sti
  hlt
  cli
  cmpl $5, 0x3f000
  jb 1b
  jmp power_off

button:
  movl $0x29, %edi
  movl $base + (pressed - test_guest_begin), %eax
  call set_handler
  movw $0xfdfb, %ax            # the cascade and IRQ 9
  call start_pic
  movw $0x602, %dx
  movw $0x100, %ax ; outw %ax, %dx
  movw $0x3f8, %dx
  movb $'w', %al ; outb %al, %dx
  movl $0, 0x3f000
1: sti
  hlt
  cli
  cmpl $0, 0x3f000
  je 1b
  jmp power_off
pressed:
  incl 0x3f000
  movw $0x600, %dx
  movw $0x100, %ax ; outw %ax, %dx
  movb $0x20, %al ; outb %al, $0xa0 ; outb %al, $0x20
  iret
test_guest_end:
.code64
.popsection
)");
// NOLINTEND

#endif
