// Joins the x86 front end, a back end and the engine to an x86 processor.
#include "engine/x86_vcpu.h"

#include <utility>

#include "base/assert.h"
#include "codegen/interp/interpreter.h"
#if defined(__x86_64__)
#include "codegen/x64/translator.h"
#endif
#include "engine/engine.h"
#include "ir/passes/pipeline.h"
#include "isa/x86/guest.h"

namespace strata::engine {

namespace {

Result<std::unique_ptr<codegen::Backend>> make_backend(const X86VcpuOptions& options) {
  if (options.make_backend) return options.make_backend();
  if (options.backend == BackendKind::interp) return std::make_unique<codegen::interp::Interpreter>();
#if defined(__x86_64__)
  using namespace codegen::x64;
  return std::make_unique<Translator>(HostFeatures::of_this_host(),
                                      options.count > 1 ? Sharing::several : Sharing::alone);
#else
  return fail(ErrorCode::unsupported, "engine jit makes code for x86-64 only, and this host is none: use interp");
#endif
}

isa::x86::GuestOptions guest_options(const X86VcpuOptions& options) {
  isa::x86::GuestOptions result;
  result.model = options.model;
  result.number = options.number;
  result.count = options.count;
  result.bootstrap = options.bootstrap;
  result.interrupts = options.interrupts;
  result.wall_clock = options.wall_clock;
  // Equal runs need equal random numbers.
  if (options.counted) result.seed = options.number;
  return result;
}

class Processor final : public X86Vcpu {
 public:
  Processor(std::unique_ptr<isa::x86::X86Guest> guest, X86VcpuOptions options)
      : guest_(std::move(guest)),
        code_(std::move(options.code)),
        pipeline_(options.verify),
        engine_(*guest_, *code_, *options.memory, engine_options(options)) {}

  iface::Exit run() override { return engine_.run(); }
  iface::Exit run_until(uint64_t insns) override { return engine_.run_until(insns); }
  uint64_t insns() const override { return engine_.insns(); }
  void kick() override { engine_.kick(); }
  void interrupt_changed() override { engine_.interrupt_changed(); }
  bool runnable() override { return engine_.runnable(); }
  void reset() override { engine_.reset(); }
  Stats stats() const override { return engine_.stats(); }
  std::vector<iface::Figure> figures(std::span<const Vcpu* const> others) const override {
    Stats sum = stats();
    for (const Vcpu* other : others) sum += static_cast<const Processor*>(other)->stats();
    return engine::figures(sum);
  }
  std::string describe() const override { return guest_->describe(); }
  Result<std::vector<std::byte>> save() const override { return engine_.save(); }
  Result<void> restore(std::span<const std::byte> in) override { return engine_.restore(in); }

  iface::X86Registers registers() const override { return guest_->registers(); }
  void set_registers(const iface::X86Registers& registers) override {
    guest_->set_registers(registers);
    engine_.state_changed();
  }
  void init_signal() override {
    if (guest_->init_signal()) engine_.interrupt_changed();
  }
  void start_up(uint8_t page) override {
    if (guest_->start_up(page)) engine_.interrupt_changed();
  }
  void nmi() override {
    if (guest_->nmi()) engine_.interrupt_changed();
  }

 private:
  EngineOptions engine_options(X86VcpuOptions& options) {
    EngineOptions result;
    result.ports = options.ports;
    result.ticks = std::move(options.ticks);
    result.tick_rate = options.tick_rate;
    result.optimize = [this](ir::Unit& unit) { pipeline_.run(unit); };
    result.counted = options.counted;
    result.verify = options.verify;
    result.trace = std::move(options.trace);
    result.observers = std::move(options.observers);
    return result;
  }

  std::unique_ptr<isa::x86::X86Guest> guest_;
  std::shared_ptr<SharedCode> code_;
  ir::Pipeline pipeline_;
  Engine engine_;
};

}  // namespace

Result<std::shared_ptr<SharedCode>> make_shared_code(const X86VcpuOptions& options) {
  STRATA_ASSERT(options.memory != nullptr);
  return std::make_shared<SharedCode>(STRATA_TRY(make_backend(options)), options.memory->ram(), options.code_bytes);
}

Result<std::unique_ptr<X86Vcpu>> make_x86_vcpu(X86VcpuOptions options) {
  STRATA_ASSERT(options.memory != nullptr && options.ports != nullptr);
  if (options.code == nullptr) options.code = STRATA_TRY(make_shared_code(options));
  auto guest = STRATA_TRY(isa::x86::make_guest(guest_options(options)));
  return std::make_unique<Processor>(std::move(guest), std::move(options));
}

}  // namespace strata::engine
