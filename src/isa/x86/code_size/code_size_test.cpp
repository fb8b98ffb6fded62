// The size of the host code that the translator makes of typical guest code, held against code_size.golden.
#include <Zydis/Zydis.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "codegen/backend.h"
#include "ir/passes/pipeline.h"
#include "ir/text.h"
#include "isa/x86/code_size/snippets_test.h"
#include "isa/x86/cpu.h"
#include "isa/x86/lockstep/flat_host_test.h"
#include "isa/x86/mode.h"
#include "isa/x86/system/control_bits.h"
#include "isa/x86/translate/unit.h"
#if defined(__x86_64__)
#include "codegen/x64/translator.h"
#endif

namespace strata::isa::x86::code_size {
namespace {

constexpr uint64_t code_base = 0x1000;
const std::string golden_file = STRATA_SOURCE_DIR "/src/isa/x86/code_size/code_size.golden";

/// Instructions of this many bits in all of the code.
unsigned count_instructions(std::span<const uint8_t> code, unsigned bits) {
  unsigned count = 0;
  for (; !code.empty(); ++count) {
    ZydisDisassembledInstruction instruction;
    const bool good =
        ZYAN_SUCCESS(ZydisDisassembleIntel(bits == 64 ? ZYDIS_MACHINE_MODE_LONG_64 : ZYDIS_MACHINE_MODE_LEGACY_32, 0,
                                           code.data(), code.size(), &instruction));
    EXPECT_TRUE(good) << "at " << code.size() << " bytes before the end";
    if (!good) return count;
    code = code.subspan(instruction.info.length);
  }
  return count;
}

std::span<const uint8_t> octets(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
}

/// A user's program in a flat memory without an operating system around it.
class Program {
 public:
  explicit Program(const Snippet& snippet) {
    host_.cpu = cpu_.get();
    cpu_->host = &host_;
    cpu_->cpuid = *Cpuid::model("strata64");
    State& state = cpu_->state;
    state.cr0 = Cr0::pe | Cr0::pg | Cr0::ne | Cr0::mp | Cr0::et | Cr0::wp;
    state.cr4 = Cr4::pae | Cr4::osfxsr | Cr4::osxmmexcpt | Cr4::pge | Cr4::osxsave;
    state.efer = Efer::lme | Efer::lma | Efer::sce | Efer::nxe;
    state.cpl = 3;
    state.x87.control = 0x37f;
    state.mxcsr = 0x1f80;
    for (Segment& segment : state.segment) segment = {0, 0xffff'ffff, 0x2b, 0xc0f3};
    state.segment[cs] = {0, 0xffff'ffff, 0x33, static_cast<uint16_t>(snippet.code_bits == 64 ? 0xa0fb : 0xc0fb)};
    state.rip = code_base;
    set_rflags(state, Rflags::if_);
    context_.state = reinterpret_cast<std::byte*>(&state);
    context_.cpu = cpu_.get();
    cpu_->context = &context_;
    std::copy(snippet.code.begin(), snippet.code.end(), host_.memory.begin() + code_base);
  }

  ir::Unit translate(unsigned insns) {
    const CodeKey key{code_base, code_base, Mode::of(cpu_->state).pack()};
    ir::Unit unit = translate_unit(*cpu_, key, insns);
    unit.mode = 1;  // as the engine does, so that indirect jumps look for their target
    ir::Pipeline(true).run(unit);
    return unit;
  }

 private:
  lockstep::FlatHost host_{1 << 16};
  std::unique_ptr<Cpu> cpu_ = std::make_unique<Cpu>();
  ir::ExecContext context_;
};

#if defined(__x86_64__)

/// To read what was made: STRATA_SHOW_CODE=SNIPPET.
void show(const ir::Unit& unit, const codegen::HostCode& host) {
  std::string text = ir::print(unit);
  for (auto code = octets(host.usual); !code.empty();) {
    ZydisDisassembledInstruction instruction;
    const auto address = static_cast<uint64_t>(code.data() - octets(host.usual).data());
    if (!ZYAN_SUCCESS(
            ZydisDisassembleIntel(ZYDIS_MACHINE_MODE_LONG_64, address, code.data(), code.size(), &instruction)))
      break;
    text += fmt::format("{:4x} {}\n", address, instruction.text);
    code = code.subspan(instruction.info.length);
  }
  fmt::print("{}\n", text);
}

std::string measure(const Snippet& snippet) {
  // Of a fixed host, so that every host writes the same file.
  codegen::x64::Translator translator(codegen::x64::HostFeatures::all());
  const unsigned insns = count_instructions(snippet.code, snippet.code_bits);
  Program program(snippet);
  const ir::Unit unit = program.translate(insns);
  EXPECT_EQ(unit.guest_insns, insns) << snippet.name;
  const auto code = translator.compile(unit);
  const codegen::HostCode host = code->host_code();
  if (const char* wanted = std::getenv("STRATA_SHOW_CODE"); wanted != nullptr && snippet.name == wanted)
    show(unit, host);
  return fmt::format("{:<6} {:<28} {:>5} {:>5} {:>9} {:>5} {:>8} {:>5}\n", snippet.code_bits == 64 ? "amd64" : "i386",
                     snippet.name, insns, snippet.code.size(), count_instructions(octets(host.usual), 64),
                     host.usual.size(), count_instructions(octets(host.seldom), 64), host.seldom.size());
}

std::string measure_all() {
  std::string text =
      "# Host code of typical guest code: what usually runs of it (with the way in from other code), and what is "
      "seldom\n"
      "# run behind it (slow paths, exits). `./dev golden` renews this file; its diff shows what became better or "
      "worse.\n"
      "#                                      guest     host, usual  and seldom\n"
      "#      snippet                      insns bytes     insns bytes    insns bytes\n";
  for (const Snippet& snippet : snippets()) text += measure(snippet);
  return text;
}

std::string read_golden() {
  std::ifstream file(golden_file);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The lines in which the texts differ, those that were with a minus and those that are with a plus before them.
std::string changes(const std::string& was, const std::string& is) {
  std::istringstream before(was), after(is);
  std::string result, old_line, new_line;
  for (;;) {
    const bool more_before = static_cast<bool>(std::getline(before, old_line));
    const bool more_after = static_cast<bool>(std::getline(after, new_line));
    if (!more_before && !more_after) return result;
    if (more_before && more_after && old_line == new_line) continue;
    if (more_before) result += "-" + old_line + "\n";
    if (more_after) result += "+" + new_line + "\n";
  }
}

TEST(CodeSize, IsAsTheGoldenFileSays) {
  const std::string is = measure_all();
  if (std::getenv("STRATA_RENEW_GOLDEN") != nullptr) {
    std::ofstream(golden_file) << is;
    return;
  }
  const std::string found = changes(read_golden(), is);
  EXPECT_TRUE(found.empty()) << "The translator's code has other sizes than " << golden_file << " says:\n"
                             << found
                             << "Where that is meant, `./dev golden` renews the file: its diff goes into the commit.";
}

TEST(CodeSize, EverySnippetHasANameOfItsOwn) {
  std::vector<std::string> names;
  for (const Snippet& snippet : snippets()) names.push_back(fmt::format("{} {}", snippet.code_bits, snippet.name));
  EXPECT_GE(names.size(), 50u);
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
}

#endif

}  // namespace
}  // namespace strata::isa::x86::code_size
