// What compiled code needs from whoever runs it: guest state, the software TLB, the slow path and the ways out.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace strata::ir {

/// Why a unit was left. The front end gives `trap`, `halt` and `leave` their meaning through the payload.
enum class ExitKind : uint8_t {
  next,    ///< go on at the pc in the state: the ordinary end of a unit
  event,   ///< ExecContext::events is set: look at interrupts and requests, then go on
  memory,  ///< a guest load or store was refused; the front end that refused it knows why. State is as before the
           ///< instruction (its earlier sets are done, as in the manual's order that the front end chose)
  trap,    ///< an instruction's own exception or software interrupt; payload says which
  halt,    ///< the processor waits for an interrupt
  leave,   ///< the processor wants the engine to look anew: mode or mapping changed, a helper raised something
};

inline constexpr size_t exit_kinds = 6;

/// How an access is made. The number is that of the front end's own table of address spaces: privilege levels that
/// see memory differently (user, supervisor, supervisor with user pages open …). Each has its own TLB.
using Space = uint8_t;
inline constexpr unsigned max_spaces = 4;

inline constexpr unsigned page_bits = 12;
inline constexpr uint64_t page_size = uint64_t{1} << page_bits;
inline constexpr uint64_t page_mask = ~(page_size - 1);
constexpr uint64_t page_number(uint64_t address) { return address >> page_bits; }

/// One page known to the fast path. A tag is the page's number; `no_page` matches none. An access of n bytes at address
/// hits when page_number(address + n - 1) equals the tag of the entry that `address` selects: so it fails, and goes the
/// slow way, where it crosses a page. Pages that hold code, or whose writes are watched, have write == no_page; pages that
/// are no memory have both.
struct TlbEntry {
  static constexpr uint64_t no_page = ~uint64_t{0};
  uint64_t read = no_page;
  uint64_t addend = 0;  ///< host address = guest address + addend
  uint64_t write = no_page;
  uint64_t unused = 0;  ///< keeps entries at 32 bytes
};

inline constexpr unsigned tlb_bits = 13;
inline constexpr size_t tlb_entries = size_t{1} << tlb_bits;
constexpr size_t tlb_index(uint64_t address) { return page_number(address) & (tlb_entries - 1); }

/// What large pages are cut into. An entry for such a piece has its number as tag.
inline constexpr unsigned large_page_bits = 21;
inline constexpr uint64_t large_page_size = uint64_t{1} << large_page_bits;
inline constexpr uint64_t large_page_mask = ~(large_page_size - 1);
constexpr uint64_t large_page_number(uint64_t address) { return address >> large_page_bits; }
inline constexpr size_t large_tlb_entries = 512;

/// What compiled code adds to the number of instructions that have run, each as a vector whose lower half it is. Most
/// blocks have few. They stand in front of a TLB, where instructions reach them with one byte from its register.
struct SmallCounts {
  static constexpr unsigned most = 7;
  struct alignas(16) Count {
    uint64_t insns, zero = 0;
  };
  std::array<Count, most + 1> by_number = {{{0}, {1}, {2}, {3}, {4}, {5}, {6}, {7}}};
};

/// The fast path looks into `pages`; who misses there may look into `large`. Of code `pages` says where its pages stand:
/// `read` is the tag, `addend` the number of the page in RAM, below 2^31.
struct alignas(64) Tlb {
  SmallCounts counts;
  std::array<TlbEntry, tlb_entries> pages;
  std::array<TlbEntry, large_tlb_entries> large;

  TlbEntry& at(uint64_t address) { return pages[tlb_index(address)]; }
  const TlbEntry& at(uint64_t address) const { return pages[tlb_index(address)]; }
};
static_assert(offsetof(Tlb, pages) % alignof(Tlb) == 0, "no entry is in two of the host's cache lines");

/// The slow path of guest memory: TLB misses, accesses across pages, devices, watched pages. Each gives false when the
/// guest's access is refused; the refusal is then recorded with the front end, and the unit is left with
/// ExitKind::memory. Bytes are in guest order. An access that is refused has changed nothing.
class SlowMemory {
 public:
  virtual bool load(uint64_t address, unsigned size, Space space, void* out) = 0;
  virtual bool store(uint64_t address, unsigned size, Space space, const void* in) = 0;
  /// Host memory for an atomic update of size bytes (naturally aligned or not, inside one page), with everything done
  /// that a store would do; nullptr when refused, or when `*through_slow_path` is set: then load and store it is.
  virtual void* pin_for_update(uint64_t address, unsigned size, Space space, bool* through_slow_path) = 0;

 protected:
  ~SlowMemory() = default;
};

/// The bit of ExecContext::events upon which the engine calls Guest::handle(event). The others are the engine's own.
inline constexpr uint32_t event_interrupt = 1;

/// What stands in memory right in front of a guest state, for the back end, whose code then reaches the state and what
/// it keeps beside that from one register. Neither cleared nor copied.
struct alignas(64) BackendRoom {
  BackendRoom() {}
  BackendRoom(const BackendRoom& /*other*/) {}
  BackendRoom& operator=(const BackendRoom&) = delete;
  std::byte bytes[192 * 1024];
};

/// The first thing that compiled code and helpers are handed. One a vCPU.
struct ExecContext {
  std::byte* state = nullptr;  ///< the guest state that the layout describes, behind a BackendRoom
  std::array<Tlb*, max_spaces> tlb = {};
  /// Tlb::pages of where code is fetched; empty ones where the engine has none to offer.
  std::array<const TlbEntry*, max_spaces> code_pages = {};
  SlowMemory* memory = nullptr;
  std::atomic<uint32_t> events = 0;       ///< set from any thread: leave at the next poll
  bool leave = false;                     ///< set by a helper of effect may_exit: leave behind this call
  ExitKind leave_kind = ExitKind::leave;  ///< with that kind
  uint64_t leave_payload = 0;
  uint64_t insns = 0;   ///< guest instructions done; one left with `memory` or `trap` is not done
  void* cpu = nullptr;  ///< the front end's own object, for its helpers
  /// The compiled code that runs. Linked code that follows other code without a word to the engine says so before it
  /// asks for memory or calls a helper, and when it leaves.
  const void* running = nullptr;
  const void* jumps = nullptr;         ///< the back end's table of targets of indirect jumps
  uint64_t insn_limit = ~uint64_t{0};  ///< linked code does not begin where it could pass this
  void* returns = nullptr;             ///< the top of the back end's stack of returns
  uint64_t single_steps = 0;           ///< operations that a back end left to the interpreter
};

/// How a run of compiled code ended.
struct RunResult {
  ExitKind kind = ExitKind::next;
  uint8_t link = no_link;  ///< for `next`: which exit_goto of the unit it was, counted in the order of
                           ///< Unit::code; behind them come what expect_return leads to
  bool not_begun = false;  ///< for `next`: ExecContext::running is code that others led to, and was not begun: perhaps
                           ///< something else is to be done first, or it does not stand there any more
  uint64_t payload = 0;

  static constexpr uint8_t no_link = 255;
};

}  // namespace strata::ir
