// Runs a program in Strata: translator, passes, interpreter, over a memory of three small regions.
#include <memory>

#include "codegen/interp/interpreter.h"
#if defined(__x86_64__)
#include "codegen/x64/tested_host_test.h"
#include "codegen/x64/translator.h"
#endif
#include "ir/passes/pipeline.h"
#include "isa/x86/cpu.h"
#include "isa/x86/fpu/x87_unit.h"
#include "isa/x86/host_float.h"
#include "isa/x86/lockstep/world_test.h"
#include "isa/x86/mode.h"
#include "isa/x86/system/control_bits.h"
#include "isa/x86/translate/unit.h"

namespace strata::isa::x86::lockstep {
namespace {

/// The regions, as the engine's memory and as the front end's host.
class World final : public Host, public ir::SlowMemory {
 public:
  World(const Program& program, Memory& memory) : memory_(memory), code_(program.code) {
    code_.resize(code_size, 0xf4);
  }

  Cpu* cpu = nullptr;

  uint8_t* at(uint64_t address, unsigned size) {
    const auto inside = [&](uint64_t base, uint64_t region) {
      return address >= base && address - base <= region - size && size <= region;
    };
    if (inside(data_base, data_size)) return memory_.data.data() + (address - data_base);
    if (inside(stack_base, stack_size)) return memory_.stack.data() + (address - stack_base);
    if (inside(code_base, code_size)) return code_.data() + (address - code_base);
    cpu->state.event = {Event::exception, vector_pf, true, 0, address};
    return nullptr;
  }

  bool load(uint64_t address, unsigned size, ir::Space, void* out) override {
    const uint8_t* from = at(address, size);
    if (from) std::memcpy(out, from, size);
    return from;
  }
  bool store(uint64_t address, unsigned size, ir::Space, const void* in) override {
    uint8_t* to = at(address, size);
    if (to) std::memcpy(to, in, size);
    return to;
  }
  void* pin_for_update(uint64_t address, unsigned size, ir::Space, bool* through_slow_path) override {
    *through_slow_path = false;
    return at(address, size);
  }

  bool read(uint64_t address, void* out, unsigned size, ir::Space space) override {
    return load(address, size, space, out);
  }
  bool fetch(uint64_t address, void* out, unsigned size, ir::Space space) override {
    return load(address, size, space, out);
  }
  bool write(uint64_t address, const void* in, unsigned size, ir::Space space) override {
    return store(address, size, space, in);
  }
  bool probe(uint64_t address, unsigned size, ir::Space, Access) override { return at(address, size); }
  void read_physical(uint64_t, void* out, unsigned size) override { std::memset(out, 0xff, size); }
  void write_physical(uint64_t, const void*, unsigned) override {}
  bool compare_exchange_physical(uint64_t, unsigned, uint64_t, uint64_t) override { return false; }
  void flush_mappings(bool) override {}
  void flush_mapping(uint64_t) override {}
  uint32_t port_in(uint16_t, unsigned) override { return ~0u; }
  void port_out(uint16_t, unsigned, uint32_t) override {}
  uint64_t ticks() override { return 0; }
  uint64_t tick_rate() override { return 1'000'000'000; }

  /// Lets data and stack be reached through the TLB.
  void fill(ir::Tlb& tlb) {
    for (uint64_t base : {data_base, stack_base})
      for (uint64_t page = base; page < base + (base == data_base ? data_size : stack_size); page += ir::page_size)
        tlb.at(page) = {.read = ir::page_number(page),
                        .addend = reinterpret_cast<uint64_t>(at(page, 1)) - page,
                        .write = ir::page_number(page)};
  }

 private:
  Memory& memory_;
  std::vector<uint8_t> code_;
};

void set_segments(State& state, CodeSize size) {
  constexpr uint16_t data = 0xc0f3, code = 0xc0fb, big = 1u << 14, long_mode = 1u << 13;
  for (Segment& segment : state.segment) segment = {0, 0xffff'ffff, 0x2b, data};
  const bool is_long = size == CodeSize::bits64;
  state.segment[cs] = {0, 0xffff'ffff, static_cast<uint16_t>(is_long ? 0x33 : 0x23),
                       static_cast<uint16_t>(is_long ? (code & ~big) | long_mode : code | big)};
}

/// FXSAVE keeps ST(0) first; the state keeps physical registers.
void load_x87(X87& x87, const FxArea& fx) {
  x87.control = fx.get<uint16_t>(0);
  x87.status = fx.get<uint16_t>(2);
  x87.valid = fx.get<uint8_t>(4);
  const unsigned top = x87.status >> 11 & 7;
  for (unsigned i = 0; i < 8; ++i)
    x87.physical[(top + i) & 7] = {fx.get<uint64_t>(32 + 16 * i), fx.get<uint16_t>(40 + 16 * i)};
}

void store_x87(const X87& x87, FxArea& fx) {
  fx.put(0, x87.control);
  fx.put(2, x87.status);
  fx.put(4, x87.valid);
  const unsigned top = x87.status >> 11 & 7;
  for (unsigned i = 0; i < 8; ++i) {
    fx.put(32 + 16 * i, x87.physical[(top + i) & 7].significand);
    fx.put(40 + 16 * i, x87.physical[(top + i) & 7].sign_exponent);
  }
}

void load_state(State& state, const Program& program) {
  state.cr0 = Cr0::pe | Cr0::pg | Cr0::ne | Cr0::mp | Cr0::et | Cr0::wp;
  state.cr4 = Cr4::pae | Cr4::osfxsr | Cr4::osxmmexcpt | Cr4::pge | Cr4::osxsave;
  state.xcr0 = 3;
  state.efer = Efer::lme | Efer::lma | Efer::sce | Efer::nxe;
  state.cpl = 3;
  set_segments(state, program.code_size);
  state.gpr.set_all(program.registers.gpr);
  state.rip = code_base;
  set_rflags(state, program.registers.flags | Rflags::if_);
  load_x87(state.x87, program.registers.fx);
  state.mxcsr = program.registers.fx.get<uint32_t>(24);
  for (unsigned i = 0; i < 16; ++i) state.xmm[i] = program.registers.fx.get<ir::Vec128>(160 + 16 * i);
}

Registers read_state(const State& state, const FxArea& before, int vector) {
  Registers registers;
  registers.gpr = state.gpr.all();
  registers.flags = rflags(state) & flags_compared;
  registers.rip = state.rip;
  registers.vector = vector;
  registers.fx = before;
  store_x87(state.x87, registers.fx);
  registers.fx.put(24, state.mxcsr);
  for (unsigned i = 0; i < 16; ++i) registers.fx.put(160 + 16 * i, state.xmm[i]);
  return registers;
}

/// The exception that a run ended with, -1 where it goes on.
int vector_of(const State& state, const ir::RunResult& result) {
  switch (result.kind) {
    case ir::ExitKind::next:
    case ir::ExitKind::event: return -1;
    case ir::ExitKind::trap: return static_cast<int>(result.payload & 0xff);
    default: return state.event.type == Event::none ? -1 : state.event.vector;
  }
}

}  // namespace

Outcome run_in_strata(const Program& program, const StrataOptions& options) {
  static ir::Pipeline pipeline;
  static codegen::interp::Interpreter interpreter;
  static const auto interpreting = interpreter.make_runner();
#if defined(__x86_64__)
  static codegen::x64::Translator translator(codegen::x64::tested_host());
  static const auto translated = translator.make_runner();
  codegen::Backend& backend = options.translated ? static_cast<codegen::Backend&>(translator) : interpreter;
  codegen::Runner& runner = options.translated ? *translated : *interpreting;
#else
  codegen::Backend& backend = interpreter;
  codegen::Runner& runner = *interpreting;
#endif
  Outcome outcome;
  outcome.memory = program.memory;
  World world(program, outcome.memory);
  const auto cpu = std::make_unique<Cpu>();
  world.cpu = cpu.get();
  cpu->host = &world;
  cpu->cpuid = *Cpuid::model("strata64");
  load_state(cpu->state, program);

  ir::ExecContext context;
  context.state = reinterpret_cast<std::byte*>(&cpu->state);
  context.memory = &world;
  context.cpu = cpu.get();
  cpu->context = &context;
  static ir::Tlb tlb, empty_tlb;
  world.fill(tlb);
  context.tlb.fill(options.tlb ? &tlb : &empty_tlb);

  // Behind the program stand HLTs: a unit that runs into them ends at the first.
  const uint64_t end = code_base + program.code.size();
  int vector = -1;
  for (unsigned steps = 0; steps < 1000 && vector < 0 && cpu->state.rip != end; ++steps) {
    const CodeKey key{cpu->state.rip, cpu->state.rip, Mode::of(cpu->state).pack()};
    ir::Unit unit = translate_unit(*cpu, key, options.max_insns);
    if (options.passes) pipeline.run(unit);
    const auto code = backend.compile(unit);
    context.leave = false;
    context.events = 0;
    host_float::enter(cpu->state.mxcsr);
    const ir::RunResult result = runner.run(*code, context);
    cpu->state.mxcsr = host_float::leave(cpu->state.mxcsr);
    if (result.kind == ir::ExitKind::trap && result.payload == trap_x87_careful) {
      cpu->state.x87.careful = true;
      continue;
    }
    vector = cpu->state.rip == end ? -1 : vector_of(cpu->state, result);
  }
  x87_unit::unload(*cpu);
  outcome.registers = read_state(cpu->state, program.registers.fx, vector);
  return outcome;
}

}  // namespace strata::isa::x86::lockstep
