; Single step, breakpoints on code and on data, and the registers themselves (SDM vol. 3, 17.2 and 17.3).
%macro CASE_DESCRIPTORS 0
%endmacro
%include "prelude32.inc"

%macro SHOW_DR6 0
  mov eax, dr6
  and eax, 0xe00f
  SHOW " dr6", eax
  xor eax, eax
  mov dr6, eax
%endmacro
%macro BREAK 2                        ; DR7's bits for breakpoint 0, its address
  mov eax, %2
  mov dr0, eax
  mov eax, 0x400 + 3 + (%1 << 16)
  mov dr7, eax
%endmacro
%macro NO_BREAK 0
  mov eax, 0x400
  mov dr7, eax
  SHOW_DR6
%endmacro

main:
  mov eax, dr6
  SHOW "dr6 at first", eax
  mov eax, dr7
  SHOW "dr7 at first", eax
  mov eax, 0xffffffff
  mov dr6, eax
  mov eax, dr6
  SHOW "dr6 of ones", eax
  xor eax, eax
  mov dr6, eax

  PRINT "step over a nop"
  call prepare_step
  popfd
  nop
stepped_1:
  nop
  SHOW_DR6
  PRINT "step over a faulting instruction"
  call prepare_step
  popfd
  ud2
  SHOW_DR6

  BREAK 0, code_1
  TRY "execution breakpoint", jmp code_1
  NO_BREAK
  BREAK 0xd, data                     ; 4 bytes, on write
  TRY "read of a write breakpoint", mov eax, [data]
  TRY "write of it", mov dword [data], 1
  NO_BREAK
  BREAK 0xd, data
  TRY "write of its last byte", mov byte [data + 3], 1
  NO_BREAK
  BREAK 0xd, data
  TRY "write of the byte behind", mov byte [data + 4], 1
  NO_BREAK
  BREAK 0xf, data                     ; 4 bytes, on read and write
  TRY "read of an access breakpoint", mov eax, [data]
  NO_BREAK
  BREAK 0x3, data + 1                 ; 1 byte
  TRY "wide read over a narrow one", mov eax, [data]
  NO_BREAK
  BREAK 0xf, data
  TRY "read-modify-write", inc dword [data]
  NO_BREAK
  mov eax, [data]
  SHOW "it was done", eax
  mov eax, 0x2400                     ; general detect
  mov dr7, eax
  TRY "dr7 under general detect", mov eax, dr7
  SHOW_DR6
  mov eax, cr4
  or eax, 8
  mov cr4, eax
  TRY "dr4 with cr4.de", mov eax, dr4
  mov eax, cr4
  and eax, ~8
  mov cr4, eax
  TRY "dr4 without", mov eax, dr4
  ret

; The flags with TF behind the return address, and where to go on behind the step.
prepare_step:
  pop ebx
  mov [resume_stack], esp
  mov dword [tried], stepped_1 - 1
  push dword 0x102
  push ebx
  mov eax, [ebx + 1]                  ; what follows POPFD and one instruction
  mov dword [resume], 0
  lea ecx, [ebx + 2]
  cmp word [ebx + 1], 0x0b0f          ; UD2 has two bytes
  jne .one
  inc ecx
.one:
  mov [resume], ecx
  mov [tried], ebx
  ret

code_1:
  PRINT " behind it"
  call new_line
  ret

  align 16
data: dd 0, 0
%include "epilogue32.inc"
