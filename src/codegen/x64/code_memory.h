// Memory for translated code: each page mapped twice, once to be written and once to be executed, never both.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace strata::codegen::x64 {

/// A piece of code memory. Writing goes through `write`, running through `run`.
struct CodeSpan {
  std::byte* run = nullptr;
  std::byte* write = nullptr;
  uint32_t size = 0;
  uint32_t block = 0;  ///< of CodeMemory
};

/// Divides large blocks, which all come from one range of addresses: every jump from one piece to another is one of 32
/// bits. The host gives pages to what has been used once. What is free lies in lists by size, so that it is found at
/// once, and is joined with what is free beside it. A free run says in its own memory how long it is, at both ends, and
/// which are next to it in its list.
class CodeMemory {
 public:
  CodeMemory();
  ~CodeMemory();
  CodeMemory(const CodeMemory&) = delete;
  CodeMemory& operator=(const CodeMemory&) = delete;
  CodeSpan allocate(size_t size);  ///< there is memory for it, or the program ends
  void release(const CodeSpan& span);

  size_t mapped() const { return mapped_; }  ///< bytes of all blocks

  static constexpr size_t reach = size_t{1} << 30;  ///< of the range

 private:
  static constexpr size_t granule = 64;
  static constexpr size_t usual_block = size_t{1} << 20;
  static constexpr unsigned exact =
      64;  ///< lists of runs of so many granules each, then those of larger ones by powers of 2
  struct Block;
  struct FreeRun;

  static unsigned list_of(size_t granules);
  FreeRun* find(size_t granules);
  void add_block(size_t granules);
  void add(uint32_t block, size_t begin, size_t granules);
  void remove(FreeRun& run);

  std::vector<std::unique_ptr<Block>> blocks_;
  std::array<FreeRun*, exact + 32> lists_ = {};
  std::array<uint64_t, 2> filled_ = {};          ///< a bit for each list that has a run
  std::byte *run_ = nullptr, *write_ = nullptr;  ///< where the range begins
  size_t mapped_ = 0;                            ///< of it: blocks stand one behind the other
};

}  // namespace strata::codegen::x64
