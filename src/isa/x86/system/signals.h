// What is signalled to a processor besides interrupts: INIT, SIPI and NMI (SDM vol. 3, 9.4 and 11.5).
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

namespace strata::isa::x86 {

/// One word, so that an INIT and the SIPI behind it may both come before the processor has looked, and nothing comes
/// between a look and what follows from it.
class Signals {
 public:
  /// `bootstrap`: the processor begins by itself. Any other one waits for a SIPI after a reset and after an INIT.
  void reset(bool bootstrap) {
    bootstrap_ = bootstrap;
    word_ = bootstrap ? 0 : waits_bit;
  }

  // From any thread. Each tells whether there is something for the processor to do.

  /// Makes an end of all that came before it.
  bool init() {
    word_ = init_bit | (bootstrap_ ? 0 : waits_bit);
    return true;
  }
  /// Nothing, for a processor that does not wait or has had one already.
  bool start_up(uint8_t page) {
    uint32_t word = word_;
    do {
      if ((word & waits_bit) == 0) return false;
    } while (!word_.compare_exchange_weak(word, (word & ~waits_bit) | start_up_bit | page));
    return true;
  }
  /// Any number of them that come before the first is delivered are one.
  bool nmi() { return (word_.fetch_or(nmi_bit) & nmi_bit) == 0; }

  // For the processor.

  /// An INIT or a SIPI has come.
  bool starts_anew() const { return (word_ & (init_bit | start_up_bit)) != 0; }
  /// Nothing is done before a SIPI comes.
  bool waits() const { return (word_ & waits_bit) != 0; }
  bool has_nmi() const { return (word_ & nmi_bit) != 0; }
  void take_nmi() { word_ &= ~nmi_bit; }

  struct Start {
    bool init = false;
    std::optional<uint8_t> page;  ///< of a SIPI, which comes behind the INIT
  };
  Start take_start() {
    const uint32_t word = word_.fetch_and(waits_bit | nmi_bit);
    Start start{.init = (word & init_bit) != 0, .page = {}};
    if ((word & start_up_bit) != 0) start.page = static_cast<uint8_t>(word & page_mask);
    return start;
  }

  // For saved states.
  uint32_t value() const { return word_; }
  void set_value(uint32_t value) { word_ = value & (page_mask | init_bit | start_up_bit | waits_bit | nmi_bit); }

 private:
  static constexpr uint32_t page_mask = 0xff;
  static constexpr uint32_t init_bit = 1 << 8, start_up_bit = 1 << 9, waits_bit = 1 << 10, nmi_bit = 1 << 11;

  std::atomic<uint32_t> word_ = 0;
  bool bootstrap_ = true;
};

}  // namespace strata::isa::x86
