// A double mapping of anonymous memory, divided by asmjit's allocator.
#include "codegen/x64/code_memory.h"

#include "base/assert.h"

namespace strata::codegen::x64 {

namespace {

asmjit::JitAllocator::CreateParams parameters() {
  asmjit::JitAllocator::CreateParams result;
  result.options = asmjit::JitAllocatorOptions::kUseDualMapping;
  result.blockSize = 1u << 20;
  result.granularity = 64;
  return result;
}

}  // namespace

CodeMemory::CodeMemory()
    : allocator_([] {
        static const asmjit::JitAllocator::CreateParams instance = parameters();
        return &instance;
      }()) {}

CodeSpan CodeMemory::allocate(size_t size) {
  void *run = nullptr, *write = nullptr;
  const asmjit::Error error = allocator_.alloc(&run, &write, size);
  STRATA_ASSERT(error == asmjit::kErrorOk, "the host has no memory for translated code");
  return {static_cast<std::byte*>(run), static_cast<std::byte*>(write), size};
}

}  // namespace strata::codegen::x64
