; Interrupt, call and task gates, and what goes wrong with them (SDM vol. 3, 5.8, 6.12 to 6.15, 8).
%macro CASE_DESCRIPTORS 0
sel_call_gate equ 0x30 | 3
  dw 0                                ; the target's address is filled in
  dw sel_code
  dw 0xec02                           ; present, DPL 3, 32-bit call gate, two parameters
  dw 0
sel_kernel_gate equ 0x38
  dw 0, sel_code, 0x8c00, 0           ; DPL 0
sel_absent_gate equ 0x40 | 3
  dw 0, sel_code, 0x6c00, 0           ; not present
sel_task equ 0x48
  dq 0x0000890000000067
sel_task_gate equ 0x50
  dw 0, sel_task, 0x8500, 0
%endmacro
%include "prelude32.inc"

main:
  mov eax, call_target
  mov [gdt + 0x30], ax
  shr eax, 16
  mov [gdt + 0x36], ax
  mov eax, other_tss
  mov [gdt + 0x4a], ax
  shr eax, 16
  mov [gdt + 0x4c], al
  mov [gdt + 0x4f], ah

  TRY "int 0x21", int 0x21
  TRY "int3", int3
  mov dword [idt + 0x22 * 8 + 4], 0x00006e00
  TRY "int to absent gate", int 0x22
  mov dword [idt + 0x23 * 8 + 4], 0x0000ec00
  TRY "int to call gate type", int 0x23
  mov word [idt + 0x24 * 8 + 2], sel_data
  TRY "int to data segment", int 0x24
  mov word [idt + 0x25 * 8 + 2], 0
  TRY "int to null segment", int 0x25
  mov byte [idt + 0x26 * 8 + 5], 0x8e
  USER "user int to dpl 0 gate", user_int26
  USER "user int3", user_int3
  USER "user call gate", user_call
  USER "user call of dpl 0 gate", user_call_kernel
  USER "user call of absent gate", user_call_absent
  USER "user jump through gate inward", user_jump
  push dword 0xcccc
  push dword 0xdddd
  TRY "call gate from the same level", call sel_call_gate:0
  mov dword [idt + 6 * 8 + 4], 0      ; #UD now leads nowhere: a contributory fault on a benign one
  TRY "ud2 without a gate", ud2
  mov dword [idt + 13 * 8 + 4], 0     ; and #GP too: a double fault
  TRY "fault in a fault", mov es, [outside]

  mov dword [other_tss + 32], other_task
  mov dword [other_tss + 36], 2
  mov dword [other_tss + 56], other_stack_top
  mov dword [other_tss + 72], sel_data
  mov dword [other_tss + 76], sel_code
  mov dword [other_tss + 80], sel_data
  mov dword [other_tss + 84], sel_data
  mov dword [other_tss + 88], sel_data
  mov dword [other_tss + 92], sel_data
  mov ebx, 0x1111
  PRINT "call a task"
  call sel_task:0
  PRINT "back from the task, ebx kept"
  call new_line
  SHOW "ebx", ebx
  mov eax, cr0
  and eax, 8
  SHOW "cr0.ts", eax
  clts
  str eax
  SHOW "task register", eax
  mov eax, [gdt + 0x4c]
  and eax, 0xff00
  SHOW "the other's descriptor", eax
  ret

call_target:                          ; two parameters from the caller's stack
  mov ax, sel_data
  mov ds, ax
  PRINT " gate reached,"
  mov eax, [esp + 4]
  and eax, 3
  SHOW " from cpl", eax
  mov eax, [esp + 8]
  SHOW " first", eax
  mov eax, [esp + 12]
  SHOW " second", eax
  retf 8

other_task:
  PRINT " - in the task: "
  pushfd
  pop eax
  and eax, 0x4000
  SHOW "nt", eax
  movzx eax, word [other_tss]
  SHOW "link", eax
  mov ebx, 0x2222
  iretd
  jmp other_task

user_int26:
  int 0x26
user_int3:
  int3
user_call:
  push dword 0xaaaa
  push dword 0xbbbb
  call sel_call_gate:0
  int 0x80
user_call_kernel:
  call sel_kernel_gate:0
user_call_absent:
  call sel_absent_gate:0
user_jump:
  jmp sel_call_gate:0

outside: dw 0xfff8
  align 4
other_tss: times 26 dd 0
%include "epilogue32.inc"
other_stack equ scratch
other_stack_top equ scratch + 4096
