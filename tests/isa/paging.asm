; 32-bit paging: rights, error codes, accessed and dirty bits, large pages, WP (SDM vol. 3, 4.3, 4.6 to 4.8).
%macro CASE_DESCRIPTORS 0
%endmacro
%include "prelude32.inc"

present equ 1
writable equ 2
user equ 4
page_directory equ scratch
page_table equ scratch + 0x1000
target equ scratch + 0x2000          ; the page that the entries under test lead to
window equ 0x40000000                ; where they map it

%macro MAP 1                         ; the window's entry gets these bits
  mov dword [page_table], target + %1
  invlpg [window]
%endmacro
%macro SHOW_ENTRY 1
  mov eax, [page_table]
  and eax, 0xfff
  SHOW %1, eax
%endmacro

main:
  mov eax, cr4
  or eax, 0x10                       ; PSE
  mov cr4, eax
  mov dword [page_directory], 0x87   ; the first 4 MiB as they are, for user code too
  mov dword [page_directory + 0x100 * 4], page_table + 7
  mov eax, page_directory
  mov cr3, eax
  mov eax, cr0
  or eax, 0x80000000
  mov cr0, eax
  TRY "paging on", nop
  MAP 0
  TRY "read, not present", mov eax, [window + 0x123]
  TRY "write, not present", mov [window + 0x456], eax
  TRY "execute, not present", call window
  TRY "no directory entry", mov eax, [0x80000000]
  MAP present
  TRY "read, read-only", mov eax, [window]
  SHOW_ENTRY "entry after read"
  TRY "write, read-only, WP clear", mov [window], eax
  SHOW_ENTRY "entry after write"
  mov eax, cr0
  or eax, 0x10000
  mov cr0, eax
  TRY "write, read-only, WP set", mov [window], eax
  MAP present + writable
  TRY "write, writable", mov [window], eax
  SHOW_ENTRY "entry after write"
  USER "user reads supervisor page", user_read
  USER "user writes supervisor page", user_write
  MAP present + user
  USER "user reads user page", user_read
  USER "user writes read-only page", user_write
  MAP present + user + writable
  USER "user writes user page", user_write
  SHOW_ENTRY "entry after user's write"
  and dword [page_directory + 0x100 * 4], ~writable
  mov eax, cr3
  mov cr3, eax
  USER "user writes, directory read-only", user_write
  and dword [page_directory + 0x100 * 4], ~user
  mov eax, cr3
  mov cr3, eax
  USER "user reads, directory supervisor", user_read
  mov dword [page_directory + 0x100 * 4], page_table + 7
  mov dword [page_table + 4], 0
  mov eax, cr3
  mov cr3, eax
  TRY "write across into not present", mov [window + 0xffe], eax
  mov eax, [window + 0xffc]
  SHOW "nothing of it was written", eax
  mov dword [page_directory + 0x101 * 4], 0x002000e7  ; bit 21 is reserved in a 4 MiB entry
  TRY "reserved bit", mov eax, [0x40400000]
  mov dword [page_directory + 0x101 * 4], 0x00000087
  mov eax, cr3
  mov cr3, eax
  TRY "read by a 4 MiB page", mov eax, [0x40400000 + main]
  mov eax, [page_directory + 0x101 * 4]
  and eax, 0xfff
  SHOW "its entry", eax
  mov eax, cr0
  and eax, 0x7fffffff
  mov cr0, eax
  TRY "paging off", nop
  ret

user_read:
  mov eax, [window]
  int 0x80
user_write:
  mov [window], eax
  int 0x80
%include "epilogue32.inc"
