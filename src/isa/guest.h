// The seam between an instruction set and the engine: what each knows of the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"
#include "ir/runtime.h"
#include "ir/unit.h"

namespace strata::isa {

/// What a unit was translated for. Equal keys and equal code bytes give equal units.
struct CodeKey {
  uint64_t pc = 0;       ///< as the pc slot has it (x86: rip, an offset into the code segment)
  uint64_t address = 0;  ///< the guest virtual address of it (x86: linear address)
  uint64_t mode = 0;     ///< everything else that translation depended on, in the front end's own bits
  /// pc and address are equal, and code for this key may be made so that it runs at any pc at the same place of a page
  /// (ir::Unit::relocatable): the front end does so unless this is cleared.
  bool relocatable = false;
  bool operator==(const CodeKey&) const = default;

  /// The same of all keys that share units.
  CodeKey any_place() const {
    CodeKey key = *this;
    if (relocatable) key.pc = key.address = pc & ~ir::page_mask;
    return key;
  }
};

enum class Access : uint8_t { read, write, execute };

/// How a page of guest virtual memory is mapped.
struct Mapping {
  uint64_t physical = 0;  ///< of the page's first byte
  bool readable = false;
  bool writable = false;  ///< for a write now: false also where a dirty bit is still to be set
  bool executable = false;
  bool watched = false;           ///< Guest::accessed wants to hear of each access to it
  bool span_watched = false;      ///< of some access to the large page that holds it
  bool global = false;            ///< survives flush_mappings(false)
  uint64_t span = ir::page_size;  ///< bytes of the large page that holds it
};

/// What a front end asks of the engine while it runs. One a vCPU, called on its thread only.
class Host {
 public:
  /// Virtual memory, with the checks of `space`. False: refused, and recorded with the guest as for compiled code.
  virtual bool read(uint64_t address, void* out, unsigned size, ir::Space space) = 0;
  virtual bool write(uint64_t address, const void* in, unsigned size, ir::Space space) = 0;
  /// Asks for the access without making it: false when it would be refused (recorded). Size at most two pages.
  virtual bool probe(uint64_t address, unsigned size, ir::Space space, Access access) = 0;

  /// Code bytes, for Guest::translate only: checked as execution. The engine watches the pages that were fetched for
  /// changes. False: refused, and recorded. At most two pages.
  virtual bool fetch(uint64_t address, void* out, unsigned size, ir::Space space) {
    return probe(address, size, space, Access::execute) && read(address, out, size, space);
  }

  /// Physical memory and devices. Unmapped addresses read as all ones, writes to them are lost.
  virtual void read_physical(uint64_t address, void* out, unsigned size) = 0;
  virtual void write_physical(uint64_t address, const void* in, unsigned size) = 0;
  /// Atomically replaces 32 or 64 bits of physical memory if they are `expected`: accessed and dirty bits.
  virtual bool compare_exchange_physical(uint64_t address, unsigned size, uint64_t expected, uint64_t desired) = 0;

  /// Mappings that may be wrong now: all of the address space in force but what the front end marked global, or those of
  /// all address spaces (see below), global ones too.
  virtual void flush_mappings(bool flush_global) = 0;
  /// Of one page, in the address space in force; global ones in all.
  virtual void flush_mapping(uint64_t address) = 0;

  // For front ends whose address spaces have numbers (PCID, ASID): mappings of one that is not in force may be kept.
  static constexpr uint64_t all_address_spaces = ~uint64_t{0};
  /// Number `space` is in force from now on; `keep`: what is known of it still holds. It is 0 before the first call.
  virtual void switch_address_space(uint64_t /*space*/, bool /*keep*/) { flush_mappings(false); }
  /// All mappings of one or all but global ones.
  virtual void flush_address_space(uint64_t /*space*/) { flush_mappings(false); }

  /// Ports, for instruction sets that have them. Size 1, 2 or 4.
  virtual uint32_t port_in(uint16_t port, unsigned size) = 0;
  virtual void port_out(uint16_t port, unsigned size, uint32_t value) = 0;

  /// The time stamp counter: ticks of a constant rate (`tick_rate` a second).
  virtual uint64_t ticks() = 0;
  virtual uint64_t tick_rate() = 0;

 protected:
  ~Host() = default;
};

/// What the engine should do after it gave the front end an exit to handle.
enum class Next : uint8_t {
  run,       ///< go on
  halt,      ///< wait until an interrupt can be taken
  shutdown,  ///< the processor has given up (x86: triple fault)
  debug,     ///< a breakpoint or step that a debugger asked for
};

/// One processor of some instruction set: its state, its translator, its rules of memory and exceptions.
class Guest {
 public:
  virtual ~Guest() = default;

  virtual const ir::StateLayout& layout() const = 0;
  virtual std::byte* state() = 0;
  virtual void attach(Host& host, ir::ExecContext& context) = 0;

  /// What to run next: made from the state.
  virtual CodeKey key() const = 0;

  /// Translates from key on, at most max_insns instructions, never past the end of the page that follows the first.
  /// The code is fetched through Host::fetch (the engine has asked for the first byte already); where the first
  /// instruction cannot be fetched whole the unit raises that, with guest_bytes 0: it is run once and not kept. Never
  /// fails: what is no instruction raises the guest's exception for that. guest_bytes counts from key.address on, and
  /// covers every byte that the translation rests on.
  virtual ir::Unit translate(const CodeKey& key, unsigned max_insns) = 0;

  /// Whether the key behind an exit_goto of a unit for `key` depends on nothing but the unit: then the engine asks for it
  /// once only. So no exit_goto may stand behind an instruction that changes what `mode` depends on: it is exit_indirect.
  virtual bool linkable(const CodeKey&) const { return true; }

  /// Walks the page tables. False: refused, and recorded for the next handle(ExitKind::memory). Sets accessed and
  /// dirty bits as the access demands.
  virtual bool map(uint64_t address, ir::Space space, Access access, Mapping& mapping) = 0;

  /// What map() has recorded last is of no consequence: the engine only wanted to know.
  virtual void forget_refusal() {}

  /// Told of every read and write, once done, in a page whose Mapping is watched.
  virtual void accessed(uint64_t /*address*/, unsigned /*size*/, Access /*access*/) {}

  /// The space in which code is fetched now.
  virtual ir::Space code_space() const = 0;

  /// Deals with an exit: delivers exceptions, takes interrupts. `next` and `event` look for interrupts only. It may
  /// set ir::event_interrupt in ExecContext::events, to be called again with `event` when one more unit has run.
  virtual Next handle(ir::ExitKind kind, uint64_t payload) = 0;

  /// Called around stretches of compiled code, never inside: put the guest's floating-point environment on the host's
  /// processor, and take it off. handle() and translate() run outside, helpers and the slow path inside.
  virtual void enter_code() {}
  virtual void leave_code() {}

  /// Called when the processor stops running on this thread: whatever of the guest's state has stayed on the host's
  /// processor from one stretch of compiled code to the next (for C++ does not touch it) must be taken off.
  virtual void leave_host() {}

  /// Whether handle(event) would take an interrupt now (also what ends a halt).
  virtual bool interrupt_ready() = 0;

  virtual void reset() = 0;

  /// The whole state in a versioned form.
  virtual void save(std::vector<std::byte>& out) const = 0;
  virtual Result<void> restore(std::span<const std::byte> in) = 0;

  /// For messages to people: the first instruction of `code`, which stands at `address`, as one line.
  virtual std::string disassemble(const CodeKey& key, uint64_t address, std::span<const uint8_t> code) const = 0;

  /// For messages to people: registers as text.
  virtual std::string describe() const = 0;
};

}  // namespace strata::isa
