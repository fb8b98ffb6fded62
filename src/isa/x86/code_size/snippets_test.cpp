// The pieces of guest code, in assembly. One more is a line `begin BITS, "name"`, code in Intel's syntax, `end`.
#include "isa/x86/code_size/snippets_test.h"

#include <cstring>

#if defined(__x86_64__)

// Each snippet stands there as a byte of code size, its name with a zero behind it, two bytes of length, and its code.
// NOLINTBEGIN: assembly
asm(R"(
.pushsection .rodata
.macro begin bits, name
  .byte \bits
  .asciz "\name"
  .2byte 9f - 8f
  .code\bits
  .intel_syntax noprefix
8:
.endm
.macro end
9:
  .att_syntax
.endm
snippets_begin:

begin 64, "mov and add"
  mov eax, ebx
  add eax, 4
  mov rcx, rax
  add rcx, rdx
end
begin 64, "lea of all kinds"
  lea rax, [rdi + rsi * 4 + 8]
  lea ecx, [rax + rax * 2]
  lea rdx, [rip + 0x100]
end
begin 64, "counted loop in registers"
1: add rax, rcx
  sub rcx, 1
  jne 1b
end
begin 64, "sum of an array"
  xor eax, eax
1: add rax, [rdi]
  add rdi, 8
  dec ecx
  jnz 1b
end
begin 64, "copy loop"
1: mov rax, [rsi + rcx * 8]
  mov [rdi + rcx * 8], rax
  inc rcx
  cmp rcx, rdx
  jb 1b
end
begin 64, "strlen"
1: cmp byte ptr [rdi], 0
  je 2f
  inc rdi
  jmp 1b
2: sub rdi, rsi
end
begin 64, "list walk"
1: mov rax, [rax]
  test rax, rax
  jnz 1b
end
begin 64, "sieve's inner loop"
1: mov byte ptr [rbx + rax], 0
  add rax, rcx
  cmp rax, rdx
  jbe 1b
end
begin 64, "rotates and xors of sha256"
  mov eax, ebx
  ror eax, 6
  mov ecx, ebx
  ror ecx, 11
  xor eax, ecx
  ror ecx, 14
  xor eax, ecx
  add eax, [rsi + 16]
end
begin 64, "cmp and jl"
  cmp eax, ebx
  jl 1f
  mov eax, ebx
1: mov ecx, eax
end
begin 64, "test and jz"
  test rdi, rdi
  jz 1f
  mov eax, [rdi]
1: mov ecx, eax
end
begin 64, "cmp with memory and ja"
  cmp dword ptr [rdi + 8], 100
  ja 1f
  mov eax, 1
1: mov ecx, eax
end
begin 64, "setcc"
  cmp rax, rbx
  setl cl
  movzx ecx, cl
  sete dl
end
begin 64, "cmov"
  cmp eax, ebx
  cmovg eax, ebx
  cmovb ecx, edx
end
begin 64, "selects by one difference"
  mov ecx, eax
  sub ecx, ebx
  cmovb ecx, eax
  cmovb eax, ebx
  mov ebx, 31
  cmovb ebx, edx
  sbb edx, -1
  mov [rsi], ecx
end
begin 64, "adc chain"
  add rax, [rsi]
  adc rbx, [rsi + 8]
  adc rcx, [rsi + 16]
  adc rdx, 0
end
begin 64, "mul and two adcs"
  mul rbx
  add r10, rax
  mov rax, [rsi + 8]
  adc rdx, 0
  add r10, r13
  mov r11, rdx
  adc r11, 0
end
begin 64, "mulx, adcx and adox"
  xor edi, edi
  mulx r9, rax, [rsi]
  adcx r8, rax
  adox r9, r10
  mulx r10, rax, [rsi + 8]
  adcx r9, rax
  adox r10, r11
  mulx r11, rax, [rsi + 16]
  adcx r10, rax
  adox r11, rdi
  adcx r11, rdi
end
begin 64, "sbb mask"
  cmp rax, rbx
  sbb rcx, rcx
  and rcx, rdx
end
begin 64, "bytes copied up to zero"
1: mov [rdx + rcx], r8b
  movzx r8d, byte ptr [rsi + rcx]
  inc rcx
  jne 1b
end
begin 64, "inc keeps carry"
  add rax, rbx
  inc rcx
  adc rdx, 0
end
begin 64, "flags of bytes"
  add al, bl
  jo 1f
  sub ah, 3
  js 1f
  nop
1: nop
end
begin 64, "prologue"
  push rbp
  mov rbp, rsp
  push r12
  push rbx
  sub rsp, 32
end
begin 64, "epilogue"
  add rsp, 32
  pop rbx
  pop r12
  pop rbp
  ret
end
begin 64, "call"
  mov edi, 1
  call 1f + 0x1000
1:
end
begin 64, "call through a pointer"
  call [rax + 16]
end
begin 64, "jump table"
  cmp eax, 7
  ja 1f
  jmp [rdx + rax * 8]
1: nop
end
begin 64, "structure copy"
  mov rax, [rsi]
  mov rcx, [rsi + 8]
  mov [rdi], rax
  mov [rdi + 8], rcx
  mov rax, [rsi + 16]
  mov [rdi + 16], rax
end
begin 64, "read, change, write"
  add dword ptr [rdi], 1
  or byte ptr [rdi + 4], 8
  inc qword ptr [rdi + 8]
end
begin 64, "loads of all sizes"
  movzx eax, byte ptr [rdi]
  movsx ecx, word ptr [rdi + 2]
  movsxd rdx, dword ptr [rdi + 4]
  mov bl, [rdi + 8]
end
begin 64, "shifts by constants"
  shl rax, 3
  shr ecx, 7
  sar rdx, 63
  shld rax, rbx, 4
end
begin 64, "shifts by cl"
  shl rax, cl
  shr ebx, cl
  rol edx, cl
end
begin 64, "shift and its flags"
  shr eax, 1
  jc 1f
  nop
1: nop
end
begin 64, "multiply"
  imul rax, rbx
  imul ecx, edx, 100
  mul rsi
end
begin 64, "divide"
  xor edx, edx
  div ecx
  mov ebx, edx
end
begin 64, "bits"
  bt eax, 5
  jc 1f
  bsf rcx, rdx
  popcnt rsi, rdi
1: nop
end
begin 64, "rep movsb"
  rep movsb
end
begin 64, "rep stosq"
  rep stosq
end
begin 64, "lodsb and stosb"
  lodsb
  stosb
end
begin 64, "sse: scalar doubles"
  movsd xmm0, [rdi]
  mulsd xmm0, [rsi]
  addsd xmm1, xmm0
  movsd [rdi], xmm1
end
begin 64, "sse: packed floats"
  movups xmm0, [rdi]
  addps xmm0, xmm1
  mulps xmm0, xmm2
  movups [rdi], xmm0
end
begin 64, "sse: compare and jump"
  ucomisd xmm0, xmm1
  jp 1f
  ja 1f
  nop
1: nop
end
begin 64, "sse: product of vectors"
1: movsd xmm0, [rdi]
  mulsd xmm0, [rsi + rdi]
  add rdi, 8
  addsd xmm1, xmm0
  cmp rdi, rcx
  jne 1b
end
begin 64, "sse: row of a matrix"
1: movsd xmm0, [rdx]
  add rax, 0x400
  add rdx, 8
  unpcklpd xmm0, xmm0
  mulpd xmm0, [rax - 0x400]
  addpd xmm1, xmm0
  cmp rax, rcx
  jne 1b
end
begin 64, "sse: distance of two bodies"
1: movsd xmm0, [r15 + rbx]
  subsd xmm0, [rbp + rbx]
  add rbx, 8
  movsd [rbx + r13 - 8], xmm0
  mulsd xmm0, xmm0
  addsd xmm1, xmm0
  cmp rbx, 24
  jne 1b
  sqrtsd xmm0, xmm1
  mulsd xmm1, xmm0
end
begin 64, "sse: conversions"
  cvtsi2sd xmm0, eax
  cvttsd2si ecx, xmm0
  cvtss2sd xmm1, xmm2
end
begin 64, "sse: integers"
  movdqu xmm0, [rdi]
  pcmpeqb xmm0, xmm1
  pmovmskb eax, xmm0
  paddd xmm2, xmm3
  pshufd xmm4, xmm2, 0x1b
end
begin 64, "aes: rounds"
  movups xmm1, [rcx]
  aesenc xmm2, xmm1
  movups xmm1, [rcx + 16]
  aesenclast xmm2, xmm1
end
begin 64, "sha256: four rounds"
  movdqa xmm0, [rcx + 32]
  paddd xmm0, xmm3
  sha256rnds2 xmm2, xmm1, xmm0
  pshufd xmm0, xmm0, 0x0e
  sha256rnds2 xmm1, xmm2, xmm0
  sha256msg1 xmm3, xmm4
end
begin 64, "crc32, carry-less product, bits by a mask"
  crc32 rax, qword ptr [rdi]
  pclmulqdq xmm0, xmm1, 0x11
  pext edx, ecx, esi
end
begin 64, "x87: multiply and add"
  fld qword ptr [rdi]
  fmul qword ptr [rsi]
  faddp
  fstp qword ptr [rdi]
end
begin 64, "mmx"
  movq mm0, [rdi]
  paddw mm0, mm1
  movq [rdi], mm0
end
begin 64, "locked"
  lock add dword ptr [rdi], 1
  lock cmpxchg [rsi], rbx
  xchg [rdi], eax
end
begin 64, "per-processor data"
  mov rax, gs:[0x28]
  inc dword ptr gs:[rbx + 8]
end
begin 64, "syscall"
  mov eax, 39
  syscall
end
begin 64, "pushf and popf"
  pushf
  popf
end

begin 32, "mov and add"
  mov eax, ebx
  add eax, 4
  mov ecx, eax
  add ecx, edx
end
begin 32, "counted loop in registers"
1: add eax, ecx
  sub ecx, 1
  jne 1b
end
begin 32, "sum of an array"
  xor eax, eax
1: add eax, [edi]
  add edi, 4
  dec ecx
  jnz 1b
end
begin 32, "sieve's inner loop"
1: mov byte ptr [ebx + eax], 0
  add eax, ecx
  cmp eax, edx
  jle 1b
end
begin 32, "prologue"
  push ebp
  mov ebp, esp
  push edi
  push esi
  push ebx
  sub esp, 28
end
begin 32, "epilogue"
  add esp, 28
  pop ebx
  pop esi
  pop edi
  leave
  ret
end
begin 32, "arguments on the stack"
  mov eax, [ebp + 8]
  add eax, [ebp + 12]
  mov [ebp - 4], eax
end
begin 32, "call with arguments"
  push 1
  push eax
  call 1f + 0x1000
1:
end
begin 32, "sum of two longs"
  add eax, [esi]
  adc edx, [esi + 4]
  mov [edi], eax
  mov [edi + 4], edx
end
begin 32, "cmp and jle"
  cmp dword ptr [ebp - 8], 0
  jle 1f
  mov eax, ebx
1: nop
end
begin 32, "rep movsd"
  rep movsd
end
begin 32, "bytes of a register"
  mov ah, bl
  mov al, ch
  movzx edx, ah
end
begin 32, "per-processor data"
  mov eax, fs:[0x10]
end
begin 32, "x87: multiply and add"
  fld qword ptr [edi]
  fmul qword ptr [esi]
  faddp
  fstp qword ptr [edi]
end
begin 32, "int 0x80"
  mov eax, 20
  int 0x80
end

snippets_end:
.code64
.popsection
)");
// NOLINTEND

namespace strata::isa::x86::code_size {

namespace {

template <class T>
T take(const uint8_t*& at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  at += sizeof value;
  return value;
}

}  // namespace

extern "C" const uint8_t snippets_begin[] __asm__("snippets_begin"), snippets_end[] __asm__("snippets_end");

std::vector<Snippet> snippets() {
  std::vector<Snippet> all;
  for (const uint8_t* at = snippets_begin; at != snippets_end;) {
    Snippet& snippet = all.emplace_back();
    snippet.code_bits = take<uint8_t>(at);
    snippet.name = reinterpret_cast<const char*>(at);
    at += snippet.name.size() + 1;
    const size_t size = take<uint16_t>(at);
    snippet.code = {at, size};
    at += size;
  }
  return all;
}

}  // namespace strata::isa::x86::code_size

#else

namespace strata::isa::x86::code_size {
std::vector<Snippet> snippets() { return {}; }
}  // namespace strata::isa::x86::code_size

#endif
