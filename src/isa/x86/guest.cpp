// The x86 front end as the engine sees it.
#include "isa/x86/guest.h"

#include <fmt/format.h>

#include <chrono>
#include <cstring>
#include <random>

#include "isa/x86/cpu.h"
#include "isa/x86/describe.h"
#include "isa/x86/disasm.h"
#include "isa/x86/fpu/x87_unit.h"
#include "isa/x86/host_float.h"
#include "isa/x86/mode.h"
#include "isa/x86/registers.h"
#include "isa/x86/system/control_registers.h"
#include "isa/x86/system/debug.h"
#include "isa/x86/system/interrupts.h"
#include "isa/x86/system/paging.h"
#include "isa/x86/translate/unit.h"

namespace strata::isa::x86 {
namespace {

uint64_t host_wall_clock() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

uint64_t host_random() {
  std::random_device device;
  return uint64_t{device()} << 32 | device();
}

/// In front of a saved State. The version counts changes of the struct.
struct SavedHeader {
  static constexpr uint32_t current_version = 5;
  uint32_t version = current_version;
  uint32_t size = sizeof(State);
  uint64_t random = 0;   ///< where the seeded numbers stand
  uint64_t signals = 0;  ///< Signals::value
};

/// splitmix64: all its state is one word, which is saved with the processor.
uint64_t next_random(uint64_t& state) {
  uint64_t mixed = state += 0x9e37'79b9'7f4a'7c15;
  mixed = (mixed ^ mixed >> 30) * 0xbf58'476d'1ce4'e5b9;
  mixed = (mixed ^ mixed >> 27) * 0x94d0'49bb'1331'11eb;
  return mixed ^ mixed >> 31;
}

/// Zeros for the bytes of a struct behind its last field, which hold whatever stood there.
template <class T, class Last>
void clear_behind(T& object, const Last& last) {
  auto* const begin = reinterpret_cast<std::byte*>(&object);
  const size_t used = static_cast<size_t>(reinterpret_cast<const std::byte*>(&last + 1) - begin);
  std::memset(begin + used, 0, sizeof object - used);
}

/// What no instruction can see: so equal processors have equal bytes, and nothing of the host's memory is saved.
void clear_unseen(State& state) {
  state.temp = {};
  state.unit_base = 0;
  for (X87Register& reg : state.x87.physical) clear_behind(reg, reg.sign_exponent);
  clear_behind(state.x87, state.x87.data_selector);
  clear_behind(state, state.event);
  clear_behind(state.gdtr, state.gdtr.limit);
  clear_behind(state.idtr, state.idtr.limit);
  if (state.event.type == Event::none) std::memset(&state.event, 0, sizeof state.event);
}

class Processor final : public X86Guest {
 public:
  Processor(const GuestOptions& options, Cpuid cpuid) {
    cpu_.cpuid = cpuid;
    cpu_.cpuid.apic_id = options.number;
    cpu_.cpuid.count = options.count;
    bootstrap_ = options.bootstrap;
    cpu_.interrupts = options.interrupts;
    cpu_.wall_clock = options.wall_clock ? options.wall_clock : host_wall_clock;
    if (options.seed) cpu_.random = [this] { return next_random(random_); };
    else cpu_.random = host_random;
    random_ = options.seed.value_or(0);
    Processor::reset();
  }

  const ir::StateLayout& layout() const override { return x86::layout(); }
  std::byte* state() override { return reinterpret_cast<std::byte*>(&cpu_.state); }

  void attach(Host& host, ir::ExecContext& context) override {
    cpu_.host = &host;
    cpu_.context = &context;
    context.state = state();
    context.cpu = &cpu_;
    look_for_signals();
  }

  CodeKey key() const override {
    const State& s = cpu_.state;
    const Mode mode = Mode::of(s);
    if (mode.code_bits != 64) return {s.rip, (s.segment[cs].base + s.rip) & 0xffffffff, mode.pack()};
    // A kernel stands where it stands; programs and their libraries are everywhere.
    return {s.rip, s.rip, mode.pack(), mode.cpl == 3 && !mode.one_by_one()};
  }

  ir::Unit translate(const CodeKey& key, unsigned max_insns) override { return translate_unit(cpu_, key, max_insns); }

  /// These last one instruction, and what comes behind them depends on the state.
  bool linkable(const CodeKey& key) const override {
    const Mode mode = Mode::unpack(key.mode);
    return !mode.one_by_one();
  }

  bool map(uint64_t address, ir::Space space, Access access, Mapping& mapping) override {
    return x86::map(cpu_, address, space, access, mapping);
  }

  void forget_refusal() override { cpu_.state.event = {}; }

  void accessed(uint64_t address, unsigned size, Access access) override { note_access(cpu_, address, size, access); }

  ir::Space code_space() const override { return cpu_.state.cpl == 3 ? space_user : space_supervisor_open; }

  Next handle(ir::ExitKind kind, uint64_t payload) override;
  bool interrupt_ready() override;

  void enter_code() override { host_float::enter(cpu_.state.mxcsr); }
  void leave_code() override { cpu_.state.mxcsr = host_float::leave(cpu_.state.mxcsr); }
  void leave_host() override { x87_unit::unload(cpu_); }

  void reset() override {
    reset_registers(cpu_.state);
    cpu_.stepping = false;
    cpu_.data_breakpoints = 0;
    cpu_.spec_ctrl = 0;
    cpu_.signals.reset(bootstrap_);
    look_for_signals();
    forget_mappings();
  }

  void save(std::vector<std::byte>& out) const override;
  Result<void> restore(std::span<const std::byte> in) override;

  std::string disassemble(const CodeKey& key, uint64_t address, std::span<const uint8_t> code) const override {
    return disassemble_one(code, address, Mode::unpack(key.mode).code_bits);
  }
  std::string describe() const override { return x86::describe(cpu_.state); }
  iface::X86Registers registers() const override { return read_registers(cpu_.state); }
  void set_registers(const iface::X86Registers& registers) override {
    write_registers(cpu_.state, registers);
    look_for_signals();
    forget_mappings();
  }

  bool init_signal() override { return cpu_.signals.init(); }
  bool start_up(uint8_t page) override { return cpu_.signals.start_up(page); }
  bool nmi() override { return cpu_.signals.nmi(); }

 private:
  Next between_instructions();
  void start_anew();
  bool nmi_ready() const { return cpu_.signals.has_nmi() && !cpu_.state.nmi_blocked; }

  /// Before the next instruction: the engine does not know that a processor waits for a SIPI.
  void look_for_signals() {
    if (cpu_.context != nullptr && cpu_.signals.value() != 0) cpu_.context->events |= ir::event_interrupt;
  }

  /// The registers have changed from outside.
  void forget_mappings() {
    if (cpu_.host == nullptr) return;
    cpu_.host->flush_mappings(true);
    cpu_.host->switch_address_space(process_context(cpu_.state), true);
  }

  Cpu cpu_;
  bool bootstrap_ = true;
  uint64_t random_ = 0;  ///< the state of the seeded numbers
};

Next Processor::handle(ir::ExitKind kind, uint64_t payload) {
  State& s = cpu_.state;
  switch (kind) {
    case ir::ExitKind::next:
    case ir::ExitKind::event: break;
    case ir::ExitKind::memory:
    case ir::ExitKind::leave:
      if (s.event.type != Event::none) return deliver(cpu_, s.event, s.rip);
      break;
    case ir::ExitKind::trap: {
      if (payload == trap_x87_careful) {
        s.x87.careful = true;
        return Next::run;
      }
      const Event event{Event::exception, static_cast<uint8_t>(payload), (payload & 0x100) != 0,
                        static_cast<uint32_t>(payload >> 16), 0};
      return deliver(cpu_, event, s.rip);
    }
    case ir::ExitKind::halt: s.halted = true; break;
  }
  return between_instructions();
}

/// An INIT, a SIPI, or both.
void Processor::start_anew() {
  const Signals::Start start = cpu_.signals.take_start();
  if (start.init) {
    init_registers(cpu_.state);
    cpu_.stepping = false;
    cpu_.data_breakpoints = 0;
    forget_mappings();
  }
  if (start.page) start_up_registers(cpu_.state, *start.page);
}

/// What comes before the next instruction: INIT and SIPI, a single step's trap, an NMI, an interrupt.
Next Processor::between_instructions() {
  State& s = cpu_.state;
  if (cpu_.signals.starts_anew()) start_anew();
  if (cpu_.signals.waits()) return Next::halt;
  if (take_debug_trap(cpu_)) {
    return deliver(cpu_, {Event::exception, vector_db, false, 0, 0}, s.rip);
  }
  if (s.interrupt_shadow) {
    if (nmi_ready() || (cpu_.interrupts && cpu_.interrupts->pending()))
      cpu_.context->events |= ir::event_interrupt;  // looked for again behind the shadow
    return Next::run;
  }
  if (nmi_ready()) {
    cpu_.signals.take_nmi();
    s.nmi_blocked = true;
    return deliver(cpu_, {Event::nmi, vector_nmi, false, 0, 0}, s.rip);
  }
  if (interrupt_ready()) {
    const int vector = cpu_.interrupts->acknowledge();
    if (vector >= 0) return deliver(cpu_, {Event::external, static_cast<uint8_t>(vector), false, 0, 0}, s.rip);
  }
  return s.halted ? Next::halt : Next::run;
}

bool Processor::interrupt_ready() {
  const State& s = cpu_.state;
  if (cpu_.signals.starts_anew()) return true;
  if (cpu_.signals.waits() || s.interrupt_shadow) return false;
  return nmi_ready() || ((s.system_flags & Rflags::if_) && cpu_.interrupts && cpu_.interrupts->pending());
}

void Processor::save(std::vector<std::byte>& out) const {
  const SavedHeader header{.random = random_, .signals = cpu_.signals.value()};
  State state = cpu_.state;
  clear_unseen(state);
  const auto head = std::as_bytes(std::span(&header, 1));
  const auto body = std::as_bytes(std::span(&state, 1));
  out.insert(out.end(), head.begin(), head.end());
  out.insert(out.end(), body.begin(), body.end());
}

Result<void> Processor::restore(std::span<const std::byte> in) {
  SavedHeader header;
  if (in.size() != sizeof header + sizeof(State)) {
    return fail(ErrorCode::bad_data, "saved x86 processor has {} bytes, {} are expected", in.size(),
                sizeof header + sizeof(State));
  }
  std::memcpy(&header, in.data(), sizeof header);
  if (header.version != SavedHeader::current_version || header.size != sizeof(State)) {
    return fail(ErrorCode::bad_data, "saved x86 processor has version {}, this program knows {}", header.version,
                SavedHeader::current_version);
  }
  std::memcpy(&cpu_.state, in.data() + sizeof header, sizeof(State));
  random_ = header.random;
  cpu_.signals.set_value(static_cast<uint32_t>(header.signals));
  look_for_signals();
  forget_mappings();
  return {};
}

}  // namespace

Result<std::unique_ptr<X86Guest>> make_guest(const GuestOptions& options) {
  return std::make_unique<Processor>(options, STRATA_TRY(Cpuid::model(options.model)));
}

}  // namespace strata::isa::x86
