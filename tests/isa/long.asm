; Long mode: canonical addresses, NX, SMEP, SMAP, UMIP, stacks of interrupts, SYSCALL, compatibility mode, reserved bits
; (SDM vol. 3, 4 to 6; AMD APM vol. 2, 6.1). Stands alone: the prelude is 32-bit.
bits 32
org 0x100000
  dd 0x1badb002, 0x10000, -(0x1badb002 + 0x10000), 0x100000, 0x100000, image_end, bss_end, start
  align 16
start:
  cli
  mov edi, tables                     ; identity: the first 2 MiB for the supervisor, the next for the user, then NX
  mov dword [edi], tables + 0x1000 + 7
  mov dword [edi + 0x1000], tables + 0x2000 + 7
  mov dword [edi + 0x2000], 0x83
  mov dword [edi + 0x2008], 0x200087
  mov dword [edi + 0x2010], 0x400083
  mov dword [edi + 0x2014], 0x80000000
  mov eax, 0x20
  mov cr4, eax
  mov cr3, edi
  mov ecx, 0xc0000080
  mov eax, 0x901                      ; SCE, LME, NXE
  xor edx, edx
  wrmsr
  mov eax, 0x80010021
  mov cr0, eax
  lgdt [gdt_pointer]
  jmp 0x08:long_mode

bits 64
default abs
%macro PRINT 1
  call %%behind
  db %1, 0
%%behind:
  call put_text
%endmacro
%macro TRY 2+
  PRINT %1
  mov qword [resume], %%next
  mov [resume_stack], rsp
  mov qword [tried], %%insn
%%insn:
  %2
  PRINT " done"
  call new_line
%%next:
%endmacro
%macro SHOW 2
  push qword %2
  PRINT %1
  PRINT " "
  pop rax
  call put_hex
  call new_line
%endmacro
%macro USER 2                         ; what, offset of the code in the user's page
  PRINT %1
  mov qword [resume], %%next
  mov [resume_stack], rsp
  mov [tss + 4], rsp
  mov qword [tried], user_page + %2 - user_code
  push qword 0x2b
  push qword user_page + 0x10000
  push qword 2
  push qword 0x33
  push qword user_page + %2 - user_code
  iretq
%%next:
%endmacro

user_page equ 0x200000
nx_page equ 0x400000

long_mode:
  mov eax, 0x10
  mov ds, eax
  mov es, eax
  mov ss, eax
  mov esp, stack_top
  mov edi, idt
  mov eax, handlers
  mov ecx, 256
.gate:
  mov [rdi], ax
  mov word [rdi + 2], 8
  mov word [rdi + 4], 0xee00
  mov dword [rdi + 6], 0x10
  mov qword [rdi + 8], 0
  add eax, 16
  add edi, 16
  loop .gate
  lidt [idt_pointer]
  mov eax, tss
  mov [gdt + 0x38 + 2], ax
  shr eax, 16
  mov [gdt + 0x38 + 4], al
  mov eax, 0x38
  ltr ax
  mov esi, user_code
  mov edi, user_page
  mov ecx, user_code_end - user_code
  rep movsb

  mov rbx, 0x0000800000000000
  TRY "read, not canonical", mov rax, [rbx]
  mov rbp, rbx
  TRY "jump, not canonical", jmp rbx
  TRY "wrmsr lstar, not canonical", call write_lstar
  mov rax, cr4
  bts rax, 40
  TRY "cr4 reserved bit", mov cr4, rax
  mov rax, 0x10000000000 + tables
  TRY "cr3 beyond the physical width", mov cr3, rax
  mov eax, 16
  TRY "cr8 of 16", mov cr8, rax
  mov ecx, 0x12345678
  TRY "rdmsr of none", rdmsr
  mov byte [nx_page], 0xc3
  TRY "execute NX", call nx_page
  mov byte [user_page + 0x1000], 0xc3
  TRY "execute a user page", call user_page + 0x1000
  mov rax, cr4
  or eax, 1 << 20
  mov cr4, rax
  TRY "the same with SMEP", call user_page + 0x1000
  mov rax, cr4
  or eax, 1 << 21
  mov cr4, rax
  TRY "read a user page with SMAP", mov al, [user_page]
  stac
  TRY "the same after STAC", mov al, [user_page]
  clac
  mov rax, cr4
  and eax, ~(3 << 20)
  mov cr4, rax
  USER "user sidt", user_sidt
  mov rax, cr4
  or eax, 1 << 11
  mov cr4, rax
  USER "user sidt with UMIP", user_sidt
  USER "user reads the kernel", user_read
  USER "user executes the kernel", user_execute
  USER "user swapgs", user_swapgs
  USER "user rdfsbase without leave", user_rdfsbase
  mov rax, cr4
  or eax, 1 << 16
  mov cr4, rax
  USER "user rdfsbase with leave", user_rdfsbase
  mov ecx, 0xc0000081                 ; STAR: the kernel's 08, the user's 23
  xor eax, eax
  mov edx, 0x00230008
  wrmsr
  inc ecx
  mov eax, from_syscall
  xor edx, edx
  wrmsr
  mov ecx, 0xc0000084
  mov eax, 0x200
  wrmsr
  USER "user syscall", user_syscall
  mov byte [idt + 0x21 * 16 + 4], 1   ; IST 1
  mov qword [tss + 36], ist_top + 5   ; is aligned down
  TRY "interrupt on its own stack", int 0x21
  mov rax, [seen_stack]
  sub rax, ist_top
  SHOW "its offset", rax
  TRY "into compatibility mode", jmp dword far [far_32]
  TRY "a gate to compatibility code", call bad_gate
  TRY "0x06 in long mode", db 0x06
  TRY "ljmp direct", db 0xea
  mov rax, [tss]
  SHOW "done, tss starts with", rax
  xor eax, eax
  out 0xf4, al

write_lstar:
  mov ecx, 0xc0000082
  mov eax, ebx
  mov rdx, rbx
  shr rdx, 32
  wrmsr
  ret
bad_gate:
  mov word [idt + 0x22 * 16 + 2], 0x18
  int 0x22
  ret
from_syscall:
  mov rsp, [tss + 4]
  PRINT " arrived, rcx - start "
  mov rax, rcx
  sub rax, user_page + user_syscall - user_code
  call put_hex
  call new_line
  jmp [resume]

bits 32
in_compatibility:
  mov eax, 0x10
  mov ss, eax
  inc eax                             ; 40: INC here, a REX prefix in 64-bit code
  int 0x23
bits 64

user_code:
user_sidt:
  sidt [rsp - 64]
  int 0x80
user_read:
  mov al, [long_mode]
user_execute:
  mov eax, long_mode
  jmp rax
user_swapgs:
  swapgs
user_rdfsbase:
  rdfsbase rax
  int 0x80
user_syscall:
  syscall
user_code_end:

  align 16
handlers:
%assign vector 0
%rep 256
  %if vector = 8 || (vector >= 10 && vector <= 14) || vector = 17
    nop
    nop
  %else
    push byte 0
  %endif
  push vector
  jmp near caught
  align 16
  %assign vector vector + 1
%endrep

caught:
  mov [seen_stack], rsp
  PRINT " #"
  mov rax, [rsp]
  call put_hex
  PRINT " error "
  mov rax, [rsp + 8]
  call put_hex
  cmp dword [rsp], 14
  jne .no_address
  PRINT " cr2 "
  mov rax, cr2
  call put_hex
.no_address:
  PRINT " at "
  mov rax, [rsp + 16]
  sub rax, [tried]
  call put_hex
  PRINT " cs "
  mov rax, [rsp + 24]
  call put_hex
  PRINT " ss "
  mov rax, [rsp + 48]
  call put_hex
  call new_line
  mov rsp, [resume_stack]
  push qword 2
  popfq
  jmp [resume]

put_text:                             ; the text stands at the return address of the call that led here
  xchg rsi, [rsp + 8]
  push rax
.next:
  mov al, [rsi]
  inc rsi
  test al, al
  jz .end
  call put_char
  jmp .next
.end:
  pop rax
  mov rsi, [rsp + 8]
  ret 8

put_char:                             ; AL
  push rdx
  push rax
  mov dx, 0x3fd
.full:
  in al, dx
  test al, 0x20
  jz .full
  pop rax
  mov dx, 0x3f8
  out dx, al
  pop rdx
  ret

new_line:
  push rax
  mov al, 10
  call put_char
  pop rax
  ret

put_hex:                              ; RAX, without leading zeros
  push rax
  push rcx
  push rdx
  mov rdx, rax
  mov ecx, 16
.skip:
  rol rdx, 4
  test dl, 15
  jnz .digit
  dec ecx
  jnz .skip
  inc ecx
.digit:
  mov al, dl
  and al, 15
  add al, '0'
  cmp al, '9'
  jbe .put
  add al, 'a' - '0' - 10
.put:
  call put_char
  rol rdx, 4
  dec ecx
  jnz .digit
  pop rdx
  pop rcx
  pop rax
  ret

  align 8
gdt_pointer: dw gdt_end - gdt - 1
  dq gdt
idt_pointer: dw 256 * 16 - 1
  dq idt
far_32: dd in_compatibility
  dw 0x18
  align 8
gdt:
  dq 0
  dq 0x00af9b000000ffff               ; 08: 64-bit code
  dq 0x00cf93000000ffff               ; 10: data
  dq 0x00cf9b000000ffff               ; 18: 32-bit code
  dq 0x00cffb000000ffff               ; 20: 32-bit code, CPL 3
  dq 0x00cff3000000ffff               ; 28: data, CPL 3
  dq 0x00affb000000ffff               ; 30: 64-bit code, CPL 3
  dq 0x0000890000000067, 0            ; 38: TSS
gdt_end:
  align 8
  dd 0                                ; so that RSP0 is aligned
tss: times 26 dd 0
  align 8
tried: dq 0
resume: dq 0
resume_stack: dq 0
seen_stack: dq 0
image_end:
absolute image_end
  alignb 4096
tables: resb 0x3000
idt: resb 256 * 16
stack: resb 8192
stack_top:
  resb 4096
ist_top:
bss_end:
