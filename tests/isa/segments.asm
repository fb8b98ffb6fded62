; Loading segment registers, and what their types forbid (SDM vol. 3, 5.2 to 5.6). Limits of data segments are in
; limits.asm.
%macro CASE_DESCRIPTORS 0
  dq 0x00cf91000000ffff         ; 30: data, read-only
  dq 0x00cf99000000ffff         ; 38: code, execute-only
  dq 0x00cf13000000ffff         ; 40: data, not present
  dq 0x00cf9f000000ffff         ; 48: code, conforming
  dq 0x00cf92000000ffff         ; 50: data, not yet accessed
  dq 0x0000e20000000000         ; 58: an LDT without entries
%endmacro
%include "prelude32.inc"

main:
  TRY "es null", mov es, [null]
  TRY "read through null es", mov eax, [es:scratch]
  TRY "es outside gdt", mov es, [outside]
  mov ax, 0x58
  TRY "lldt", lldt ax
  TRY "es from empty ldt", mov es, [in_ldt]
  xor ax, ax
  TRY "lldt null", lldt ax
  TRY "es execute-only", mov es, [execute_only]
  TRY "es not present", mov es, [not_present]
  TRY "ss not present", mov ss, [not_present]
  TRY "es tss", mov es, [a_tss]
  TRY "es read-only", mov es, [read_only]
  TRY "read es", mov eax, [es:scratch]
  TRY "write es", mov [es:scratch], eax
  TRY "es conforming code", mov es, [conforming]
  TRY "write conforming", mov [es:scratch], eax
  TRY "read execute-only cs", mov eax, [cs:scratch]
  TRY "write cs", mov [cs:scratch], eax
  TRY "ss null", mov ss, [null]
  TRY "ss read-only", mov ss, [read_only]
  TRY "ss rpl 3", mov ss, [data_rpl3]
  TRY "ss user data", mov ss, [user_data]
  TRY "ss code", mov ss, [code]
  TRY "ds rpl 3 of dpl 0", mov ds, [data_rpl3]
  TRY "jump to data", jmp 0x10:scratch
  TRY "jump to null", jmp 0:scratch
  TRY "jump to user code", jmp 0x18:scratch
  TRY "jump outside gdt", jmp 0xfff8:scratch
  mov eax, [gdt + 0x54]
  SHOW "before access", eax
  TRY "es fresh", mov es, [fresh]
  mov eax, [gdt + 0x54]
  SHOW "after access", eax
  mov eax, 0xffffffff
  lar eax, [read_only]
  SHOW "lar read-only", eax
  lsl ebx, [read_only]
  SHOW "lsl read-only", ebx
  mov ecx, 0x1234
  lar ecx, [outside]
  SHOW "lar outside leaves", ecx
  verr [execute_only]
  setz al
  movzx eax, al
  SHOW "verr execute-only", eax
  verw [read_only]
  setz al
  movzx eax, al
  SHOW "verw read-only", eax
  verw [fresh]
  setz al
  movzx eax, al
  SHOW "verw data", eax
  mov ax, 0x10
  TRY "ltr of data", ltr ax
  mov ax, 0x28
  TRY "ltr of busy", ltr ax
  TRY "lds", lds eax, [far_pointer]
  SHOW "lds offset", eax
  USER "user loads dpl 0 ds", user_loads
  USER "user cli", user_cli
  USER "user hlt", user_hlt
  USER "user reads cr0", user_cr0
  USER "user out", user_out
  USER "user int 0x80", user_int
  USER "user ud2", user_ud
  ret

user_loads:
  mov ds, [cs:code_of_kernel]
user_cli:
  cli
user_hlt:
  hlt
user_cr0:
  mov eax, cr0
user_out:
  out 0x80, al
user_int:
  int 0x80
user_ud:
  ud2

null: dw 0
outside: dw 0xfff8
in_ldt: dw 4
execute_only: dw 0x38
not_present: dw 0x40
a_tss: dw 0x28
read_only: dw 0x30
conforming: dw 0x48
fresh: dw 0x50
data_rpl3: dw 0x13
user_data: dw 0x23
code: dw 0x08
code_of_kernel: dw 0x10
far_pointer: dd 0x12345678
  dw 0x10
%include "epilogue32.inc"
