// Registers printed for people.
#include "isa/x86/describe.h"

#include <fmt/format.h>

#include <iterator>

namespace strata::isa::x86 {

std::string describe(const State& s) {
  static constexpr const char* gpr_names[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                              "r8 ", "r9 ", "r10", "r11", "r12", "r13", "r14", "r15"};
  static constexpr const char* segment_names[] = {"es", "cs", "ss", "ds", "fs", "gs"};
  std::string text;
  auto out = std::back_inserter(text);
  fmt::format_to(out, "rip {:016x}  rflags {:08x}  cpl {}\n", s.rip, rflags(s), s.cpl);
  for (unsigned i = 0; i < 16; i++) {
    fmt::format_to(out, "{} {:016x}{}", gpr_names[i], s.gpr[i], i % 4 == 3 ? "\n" : "  ");
  }
  for (unsigned i = 0; i < 6; i++) {
    const Segment& segment = s.segment[i];
    fmt::format_to(out, "{} {:04x} base {:016x} limit {:08x} attributes {:04x}\n", segment_names[i], segment.selector,
                   segment.base, segment.limit, segment.attributes);
  }
  fmt::format_to(out, "ldtr {:04x}  tr {:04x} base {:016x}\n", s.ldtr.selector, s.tr.selector, s.tr.base);
  fmt::format_to(out, "gdt {:016x}/{:04x}  idt {:016x}/{:04x}\n", s.gdtr.base, s.gdtr.limit, s.idtr.base, s.idtr.limit);
  fmt::format_to(out, "cr0 {:08x}  cr2 {:016x}  cr3 {:010x}  cr4 {:08x}  efer {:04x}\n", s.cr0, s.cr2, s.cr3, s.cr4,
                 s.efer);
  return text;
}

}  // namespace strata::isa::x86
