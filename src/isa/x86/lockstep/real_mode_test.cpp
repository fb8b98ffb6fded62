// Random real-mode programs run alike in Unicorn and in Strata: what today's hosts do not run themselves.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unicorn/unicorn.h>

#include <algorithm>
#include <memory>
#include <random>

#include "codegen/interp/interpreter.h"
#include "ir/passes/pipeline.h"
#include "isa/x86/disasm.h"
#include "isa/x86/lockstep/flat_host_test.h"
#include "isa/x86/lockstep/lockstep_test.h"
#include "isa/x86/mode.h"
#include "isa/x86/registers.h"
#include "isa/x86/translate/unit.h"

namespace strata::isa::x86::lockstep {
namespace {

constexpr size_t memory_size = 0x200000;
constexpr uint16_t code_selector = 0x1000, handler_offset = 0xff00;
constexpr std::array<uint16_t, 6> selectors = {0x4000, code_selector, 0x3000, 0x2000, 0x5000, 0x6000};
constexpr uint32_t flags_here = 0xcd5;

struct RealState {
  std::array<uint32_t, 8> gpr{};
  std::array<uint16_t, 6> segment{};
  uint32_t flags = 0;
  uint16_t ip = 0;
  bool operator==(const RealState&) const = default;
};

/// Only what Unicorn does as the manual says: no flags that are undefined, no segment limits.
// clang-format off
const std::vector<Pattern>& patterns() {
  static const std::vector<Pattern> rows = compile({
      "00 /r b", "01 /r v", "02 /r b", "03 /r v", "04 ib b", "05 iz v", "11 /r v", "13 /r v", "19 /r v", "1b /r v",
      "20 /r b", "21 /r v", "0a /r b", "0b /r v", "28 /r b", "29 /r v", "2a /r b", "2b /r v", "30 /r b", "31 /r v",
      "38 /r b", "39 /r v", "3b /r v", "81 /0 iz v", "81 /5 iz v", "83 /0 ib v", "83 /7 ib v", "85 /r v", "f7 /3 v",
      "40 +r v", "48 +r v", "fe /0 b", "ff /1 v", "88 /r b", "89 /r v", "8a /r b", "8b /r v", "8d /r v m",
      "a0 iw b", "a1 iw v", "a2 iw b", "a3 iw v", "b0 +r ib b", "b8 +r iz v", "c6 /0 ib b", "c7 /0 iz v",
      "86 /r b", "87 /r v", "90 +r v", "98 v", "99 v", "d7", "0f b6 /r v", "0f bf /r v", "0f 40 +c /r v",
      "50 +r v", "58 +r v", "60 v", "61 v", "68 iz v", "6a ib v", "8f /0 v", "ff /6 v", "9c", "c9 v",
      "06", "1e", "0e", "16", "07", "1f", "0f a0", "0f a9", "8c /0 m", "8c /2 v r", "8e /0 m", "8e /4 m", "8e /5 r",
      "c4 /r v m", "c5 /r v m", "0f b4 /r v m", "f8", "f9", "f5", "fc", "fd", "9e", "9f",
      "a4", "a5 v", "a6", "a7 v", "aa", "ab v", "ac", "ad v", "ae", "af v",
  });
  return rows;
}
// clang-format on

/// Programs whose operands are whatever registers hold: in real mode every offset is somewhere.
class RealModeGenerator {
 public:
  explicit RealModeGenerator(uint64_t seed) : random_(seed) {}

  std::vector<uint8_t> program(uint16_t begin) {
    begin_ = begin;
    code_.clear();
    for (unsigned left = 1 + below(8); left > 0; --left) {
      if (below(10) == 0) transfer();
      else instruction(patterns()[below(static_cast<unsigned>(patterns().size()))]);
    }
    return code_;
  }

  RealState registers(uint16_t ip) {
    RealState state;
    for (uint32_t& gpr : state.gpr) gpr = below(3) ? static_cast<uint32_t>(random_()) : below(0x10000);
    state.gpr[rsp] = 0x1000 + below(0x8000);
    state.segment = selectors;
    state.flags = static_cast<uint32_t>(random_()) & flags_here;
    state.ip = ip;
    return state;
  }

 private:
  unsigned below(unsigned end) { return static_cast<unsigned>(random_() % end); }
  void emit(unsigned byte) { code_.push_back(static_cast<uint8_t>(byte)); }
  void emit(uint64_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; ++i) emit(value >> (8 * i) & 0xff);
  }

  void instruction(const Pattern& p) {
    const bool wide = p.size == 'v' && below(3) == 0, wide_address = p.modrm_digit >= 0 && below(8) == 0;
    const bool string = p.opcode.size() == 1 && p.opcode[0] >= 0xa4 && p.opcode[0] <= 0xaf && p.opcode[0] != 0xa8;
    if (string && below(3) == 0) {
      emit(0xb9), emit(below(300), 2);  // mov cx, ..
      emit(below(2) ? 0xf3 : 0xf2);
    }
    static constexpr uint8_t overrides[] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65};
    if (below(4) == 0) emit(overrides[below(6)]);
    if (wide) emit(0x66);
    if (wide_address) emit(0x67);
    for (size_t i = 0; i + 1 < p.opcode.size(); ++i) emit(p.opcode[i]);
    emit(p.opcode.back() + (p.plus_register ? below(8) : 0) + (p.plus_condition ? below(16) : 0));
    if (p.modrm_digit >= 0) modrm(p, wide_address);
    for (char immediate : p.immediates) emit(random_(), immediate == 'b' ? 1 : immediate == 'w' ? 2 : wide ? 4 : 2);
  }

  void modrm(const Pattern& p, bool wide_address) {
    const unsigned mod = p.register_only ? 3 : p.memory_only ? below(3) : below(4), rm = below(8);
    const unsigned reg = p.modrm_digit == 8 ? below(8) : static_cast<unsigned>(p.modrm_digit);
    emit(mod << 6 | reg << 3 | rm);
    if (mod == 3) return;
    unsigned base = rm;
    if (wide_address && rm == 4) emit(base = below(256)), base &= 7;
    if (mod == 1) emit(random_(), 1);
    else if (mod == 2) emit(random_(), wide_address ? 4 : 2);
    else if (wide_address ? base == 5 : rm == 6) emit(random_(), wide_address ? 4 : 2);
  }

  uint16_t here() const { return static_cast<uint16_t>(begin_ + code_.size()); }

  /// Far jumps and calls to the next instruction, an interrupt whose handler is IRET, near calls, loops over nothing.
  void transfer() {
    switch (below(6)) {
      case 0: emit(0xea), emit(here() + 4u, 2), emit(code_selector, 2); break;
      case 1: emit(0x9a), emit(here() + 4u, 2), emit(code_selector, 2); break;
      case 2: emit(0xcd), emit(0x20 + below(8)); break;
      case 3: emit(0xe8), emit(0, 2); break;
      case 4: emit(0xe0 + below(4)), emit(0); break;
      default:
        emit(0x0e), emit(0x68), emit(here() + 3u, 2);  // push cs; push ip of the next
        emit(0xcb);
        break;
    }
  }

  std::mt19937_64 random_;
  std::vector<uint8_t> code_;
  uint16_t begin_ = 0;
};

std::vector<uint8_t> first_memory() {
  std::mt19937_64 random(7);
  std::vector<uint8_t> memory(memory_size);
  for (uint8_t& byte : memory) byte = static_cast<uint8_t>(random());
  for (unsigned vector = 0; vector < 256; ++vector) {
    memory[vector * 4] = handler_offset & 0xff, memory[vector * 4 + 1] = handler_offset >> 8;
    memory[vector * 4 + 2] = code_selector & 0xff, memory[vector * 4 + 3] = code_selector >> 8;
  }
  memory[code_selector * 16 + handler_offset] = 0xcf;  // IRET
  return memory;
}

class UnicornSide {
 public:
  UnicornSide() {
    EXPECT_EQ(uc_open(UC_ARCH_X86, UC_MODE_16, &engine_), UC_ERR_OK);
    EXPECT_EQ(uc_mem_map_ptr(engine_, 0, memory.size(), UC_PROT_ALL, memory.data()), UC_ERR_OK);
  }
  ~UnicornSide() { uc_close(engine_); }

  std::vector<uint8_t> memory = first_memory();

  /// False where it gave up.
  bool run(RealState& state, uint16_t end) {
    for (unsigned i = 0; i < 8; ++i) uc_reg_write(engine_, gprs[i], &state.gpr[i]);
    for (unsigned i = 0; i < 6; ++i) uc_reg_write(engine_, segments[i], &state.segment[i]);
    uint32_t flags = state.flags | 2;
    uc_reg_write(engine_, UC_X86_REG_EFLAGS, &flags);
    const uint64_t base = uint64_t{code_selector} * 16;
    uc_ctl_remove_cache(engine_, base, base + 0x10000);  // programs stand where others stood
    const uc_err error = uc_emu_start(engine_, base + state.ip, base + end, 0, 3000);
    for (unsigned i = 0; i < 8; ++i) uc_reg_read(engine_, gprs[i], &state.gpr[i]);
    for (unsigned i = 0; i < 6; ++i) uc_reg_read(engine_, segments[i], &state.segment[i]);
    uc_reg_read(engine_, UC_X86_REG_EFLAGS, &flags);
    uint32_t ip = 0;
    uc_reg_read(engine_, UC_X86_REG_EIP, &ip);
    state.flags = flags & flags_here;
    state.ip = static_cast<uint16_t>(ip);
    return error == UC_ERR_OK && state.ip == end;
  }

 private:
  static constexpr int gprs[] = {UC_X86_REG_EAX, UC_X86_REG_ECX, UC_X86_REG_EDX, UC_X86_REG_EBX,
                                 UC_X86_REG_ESP, UC_X86_REG_EBP, UC_X86_REG_ESI, UC_X86_REG_EDI};
  static constexpr int segments[] = {UC_X86_REG_ES, UC_X86_REG_CS, UC_X86_REG_SS,
                                     UC_X86_REG_DS, UC_X86_REG_FS, UC_X86_REG_GS};
  uc_engine* engine_ = nullptr;
};

class StrataSide {
 public:
  StrataSide() : host_(memory_size) {
    host_.memory = first_memory();
    host_.cpu = cpu_.get();
    cpu_->host = &host_;
    cpu_->context = &context_;
    cpu_->cpuid = *Cpuid::model("strata64");
    context_.state = reinterpret_cast<std::byte*>(&cpu_->state);
    context_.memory = &host_;
    context_.cpu = cpu_.get();
    context_.tlb.fill(&tlb_);
  }

  std::vector<uint8_t>& memory() { return host_.memory; }

  /// False where an exception came up, such as for a segment's limit, of which Unicorn knows nothing.
  bool run(RealState& real, uint16_t end, unsigned max_insns) {
    State& s = cpu_->state;
    reset_registers(s);
    for (unsigned i = 0; i < 8; ++i) s.gpr[i] = real.gpr[i];
    for (unsigned i = 0; i < 6; ++i) s.segment[i] = {uint64_t{real.segment[i]} * 16, 0xffff, real.segment[i], 0x93};
    s.rip = real.ip;
    set_rflags(s, real.flags);
    bool fine = true;
    for (unsigned steps = 0; fine && steps < 1000 && s.rip != end; ++steps) fine = step(max_insns);
    for (unsigned i = 0; i < 8; ++i) real.gpr[i] = static_cast<uint32_t>(s.gpr[i]);
    for (unsigned i = 0; i < 6; ++i) real.segment[i] = s.segment[i].selector;
    real.flags = static_cast<uint32_t>(rflags(s)) & flags_here;
    real.ip = static_cast<uint16_t>(s.rip);
    return fine && s.rip == end;
  }

 private:
  bool step(unsigned max_insns) {
    State& s = cpu_->state;
    const CodeKey key{s.rip, s.segment[cs].base + s.rip, Mode::of(s).pack()};
    ir::Unit unit = translate_unit(*cpu_, key, max_insns);
    pipeline_.run(unit);
    const auto code = interpreter_.compile(unit);
    context_.leave = false;
    const ir::RunResult result = runner_->run(*code, context_);
    const bool halted = result.kind == ir::ExitKind::halt;
    if (halted) s.rip -= 1;  // a unit has reached the HLT behind the program
    return (halted || result.kind == ir::ExitKind::next) && s.event.type == Event::none;
  }

  FlatHost host_;
  std::unique_ptr<Cpu> cpu_ = std::make_unique<Cpu>();
  ir::ExecContext context_;
  ir::Tlb tlb_;
  ir::Pipeline pipeline_;
  codegen::interp::Interpreter interpreter_;
  const std::unique_ptr<codegen::Runner> runner_ = interpreter_.make_runner();
};

std::string difference(const RealState& unicorn, const RealState& strata) {
  std::string text;
  for (unsigned i = 0; i < 8; ++i)
    if (unicorn.gpr[i] != strata.gpr[i])
      text += fmt::format("  gpr {}: unicorn {:x}, strata {:x}\n", i, unicorn.gpr[i], strata.gpr[i]);
  for (unsigned i = 0; i < 6; ++i)
    if (unicorn.segment[i] != strata.segment[i])
      text += fmt::format("  segment {}: unicorn {:x}, strata {:x}\n", i, unicorn.segment[i], strata.segment[i]);
  if (unicorn.flags != strata.flags) text += fmt::format("  flags: {:x}, strata {:x}\n", unicorn.flags, strata.flags);
  return text;
}

TEST(LockstepRealMode, LikeUnicorn) {
  UnicornSide unicorn;
  StrataSide strata;
  unsigned compared = 0, failures = 0;
  for (uint64_t seed = 1; seed <= 2000 && failures < 5; ++seed) {
    const auto begin = static_cast<uint16_t>((seed % 900) * 64);
    RealModeGenerator generator(seed);
    const std::vector<uint8_t> code = generator.program(begin);
    const auto end = static_cast<uint16_t>(begin + code.size());
    RealState by_unicorn = generator.registers(begin), by_strata = by_unicorn;
    for (auto* memory : {&unicorn.memory, &strata.memory()}) {
      std::copy(code.begin(), code.end(), memory->begin() + code_selector * 16 + begin);
      (*memory)[code_selector * 16 + end] = 0xf4;
    }
    const bool strata_fine = strata.run(by_strata, end, 1 + seed % 8);
    if (!strata_fine) {  // leave Unicorn out of it, and go on from the same memory
      strata.memory() = unicorn.memory;
      continue;
    }
    if (!unicorn.run(by_unicorn, end)) {
      unicorn.memory = strata.memory();
      continue;
    }
    ++compared;
    std::string text = difference(by_unicorn, by_strata);
    if (unicorn.memory != strata.memory()) text += "  memory differs\n", unicorn.memory = strata.memory();
    if (text.empty()) continue;
    ++failures;
    ADD_FAILURE() << "seed " << seed << "\n" << disassemble(code, begin, 16) << text;
  }
  EXPECT_GT(compared, 500u);
}

}  // namespace
}  // namespace strata::isa::x86::lockstep
