// Memory for translated code: each page mapped twice, once to be written and once to be executed, never both.
#pragma once

#include <asmjit/core.h>

#include <cstddef>
#include <span>

namespace strata::codegen::x64 {

/// A piece of code memory. Writing goes through `write`, running through `run`.
struct CodeSpan {
  std::byte* run = nullptr;
  std::byte* write = nullptr;
  size_t size = 0;
};

class CodeMemory {
 public:
  CodeMemory();
  CodeSpan allocate(size_t size);  ///< the host has memory for it, or the program ends
  void release(const CodeSpan& span) { allocator_.release(span.run); }

 private:
  asmjit::JitAllocator allocator_;
};

}  // namespace strata::codegen::x64
