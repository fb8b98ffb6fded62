// Rows of text to patterns, patterns to instructions, instructions to programs.
#include "isa/x86/lockstep/pattern_test.h"

#include <algorithm>
#include <charconv>
#include <sstream>

#include "base/assert.h"
#include "isa/x86/state.h"

namespace strata::isa::x86::lockstep {
namespace {

bool is_hex_byte(std::string_view token) {
  return token.size() == 2 && token.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

uint8_t hex_byte(std::string_view token) {
  uint8_t byte = 0;
  std::from_chars(token.data(), token.data() + token.size(), byte, 16);
  return byte;
}

void parse_vex(Pattern& p, std::string_view token) {
  p.vex = true;
  p.vex_map = token.substr(4, 4) == "0f38" ? 2 : token.substr(4, 4) == "0f3a" ? 3 : 1;
  const std::string_view pp = token.substr(token.rfind('.') + 1);
  p.vex_pp = pp == "66" ? 1 : pp == "f3" ? 2 : pp == "f2" ? 3 : 0;
}

/// What follows the opcode. False: no such token.
bool parse_word(Pattern& p, std::string_view token) {
  if (token == "/r") p.modrm_digit = 8;
  else if (token.size() == 2 && token[0] == '/') p.modrm_digit = token[1] - '0';
  else if (token == "+r") p.plus_register = true;
  else if (token == "+c") p.plus_condition = true;
  else if (token == "ib" || token == "iw" || token == "iz" || token == "iv") p.immediates.push_back(token[1]);
  else if (token == "b" || token == "v" || token == "y" || token == "q" || token == "d") p.size = token[0];
  else if (token == "rm8") p.rm_bits = 8;
  else if (token == "rm16") p.rm_bits = 16;
  else if (token == "m") p.memory_only = true;
  else if (token == "r") p.register_only = true;
  else if (token == "lock") p.may_lock = true;
  else if (token == "V") p.uses_vvvv = true;
  else if (token == "align16") p.align16 = true;
  else if (token == "only32") p.only32 = true;
  else if (token == "only64") p.only64 = true;
  else if (token == "scan") p.scan = true;
  else if (token.substr(0, 4) == "vex.") parse_vex(p, token);
  else if (token == "x." || token == ".x" || token == "xx" || token == "n." || token == ".n" || token == "nn" ||
           token == "xn" || token == "nx") {
    if (token[0] != '.') p.reg_class = token[0];
    if (token[1] != '.') p.rm_class = token[1];
  } else return false;
  return true;
}

}  // namespace

Pattern::Pattern(std::string_view text) : row(text) {
  std::istringstream words{std::string(text)};
  for (std::string token; words >> token;) {
    const bool prefix = token == "66" || token == "f2" || token == "f3";
    if (prefix && opcode.empty() && !vex) prefixes.push_back(hex_byte(token));
    else if (is_hex_byte(token)) opcode.push_back(hex_byte(token));
    else STRATA_ASSERT(parse_word(*this, token), "a token of a pattern is unknown");
  }
  STRATA_ASSERT(!opcode.empty());
}

uint64_t Generator::value() {
  static constexpr uint64_t corners[] = {0,
                                         1,
                                         2,
                                         ~0ull,
                                         0x7f,
                                         0x80,
                                         0xff,
                                         0x7fff,
                                         0x8000,
                                         0xffff,
                                         0x7fff'ffff,
                                         0x8000'0000,
                                         0xffff'ffff,
                                         0x7fff'ffff'ffff'ffff,
                                         0x8000'0000'0000'0000};
  switch (below(4)) {
    case 0: return corners[below(std::size(corners))];
    case 1: return bits() >> below(64);
    default: return bits();
  }
}

void Generator::emit(uint64_t number, unsigned bytes) {
  for (unsigned i = 0; i < bytes; ++i) emit(static_cast<uint8_t>(number >> (8 * i)));
}

/// Jcc, JMP, CALL, JCXZ or LOOP over the instruction that follows.
void Generator::jump_over(const Pattern& pattern) {
  const unsigned kind = below(8);
  if (kind == 0) emit(0xe8), emit(0, 4);
  else if (kind == 1) emit(static_cast<uint8_t>(0xe0 + below(4))), emit(0);
  else if (kind == 2) emit(0xeb), emit(0);
  else if (kind == 3) emit(0x0f), emit(static_cast<uint8_t>(0x80 + below(16))), emit(0, 4);
  else emit(static_cast<uint8_t>(0x70 + below(16))), emit(0);
  const size_t distance_bytes = kind == 0 || kind == 3 ? 4 : 1, start = code_.size();
  instruction(pattern);
  code_[start - distance_bytes] = static_cast<uint8_t>(code_.size() - start);
}

/// An instruction or two, a few times over. The count stands in memory where nothing else comes.
void Generator::loop(const Pattern& pattern) {
  constexpr uint64_t counter = stack_base + stack_size - 16;
  const auto with_counter = [&](uint8_t opcode, uint8_t modrm_digit) {
    emit(opcode);
    emit(static_cast<uint8_t>(modrm_digit << 3 | (is_64() ? 4 : 5)));
    if (is_64()) emit(0x25);
    emit(counter, 4);
  };
  with_counter(0xc7, 0), emit(1 + below(5), 4);  // MOV
  const size_t start = code_.size();
  for (unsigned left = 1 + below(2); left > 0; --left) instruction(pattern);
  with_counter(0xff, 1);  // DEC
  emit(0x0f), emit(0x85), emit(start - (code_.size() + 4), 4);
}

/// Pointers into the data, a count that keeps them there, and MOVS, CMPS, STOS, LODS or SCAS with or without REP.
void Generator::string_instruction() {
  static constexpr uint8_t opcodes[] = {0xa4, 0xa6, 0xaa, 0xac, 0xae};
  if (one_in(3)) emit(one_in(2) ? 0xfd : 0xfc);  // STD, CLD
  const auto pointer = [&] { return data_middle + below(0xe00) - 0x700; };
  const uint64_t source = one_in(10) ? data_base + data_size - below(64) : pointer();
  const uint64_t destination = one_in(3) ? source + below(32) - 16 : pointer();
  emit(0xbe), emit(source, 4);
  emit(0xbf), emit(destination, 4);
  emit(0xb9), emit(one_in(4) ? below(200) : below(12), 4);
  const unsigned size = below(is_64() ? 4 : 3);
  if (one_in(2)) emit(one_in(2) ? 0xf3 : 0xf2);
  if (is_64() && one_in(6)) emit(0x67);
  if (size == 1) emit(0x66);
  if (size == 3) emit(0x48);
  emit(static_cast<uint8_t>(opcodes[below(std::size(opcodes))] + (size != 0)));
}

void Generator::registers(Registers& out) {
  for (uint64_t& gpr : out.gpr) gpr = is_64() ? value() : value() & 0xffff'ffff;
  out.gpr[rsp] = stack_start;
  out.gpr[rbx] = data_middle;
  if (is_64()) {
    out.gpr[r12] = out.gpr[r13] = data_middle;
    out.gpr[r14] = below(80) - uint64_t{16};
  } else {
    out.gpr[rbp] = data_middle;
    for (unsigned i = 8; i < 16; ++i) out.gpr[i] = 0;
  }
  out.flags = bits() & flags_compared & ~uint64_t{Rflags::df};
  out.fx.put<uint16_t>(0, 0x37f);
  out.fx.put<uint32_t>(24, 0x1f80);
  for (unsigned i = 0; i < 32; ++i) out.fx.put(160 + 8 * i, value());
}

Program Generator::program(const std::vector<Pattern>& patterns, unsigned longest) {
  code_.clear();
  const auto pattern = [&]() -> const Pattern& {
    for (;;) {
      const Pattern& p = patterns[below(static_cast<unsigned>(patterns.size()))];
      if (is_64() ? !p.only32 : !p.only64) return p;
    }
  };
  for (unsigned left = 1 + below(longest); left > 0; --left) {
    if (one_in(16)) string_instruction();
    else if (one_in(10)) jump_over(pattern());
    else if (one_in(30)) loop(pattern());
    else instruction(pattern());
  }
  return finish();
}

Program Generator::program_of(const Pattern& pattern) {
  code_.clear();
  instruction(pattern);
  return finish();
}

Program Generator::finish() {
  Program program;
  program.code_size = size_;
  program.code = code_;
  registers(program.registers);
  const bool small_alphabet = one_in(3);
  for (auto* memory : {&program.memory.data, &program.memory.stack})
    for (uint8_t& byte : *memory) byte = static_cast<uint8_t>(small_alphabet ? below(3) : bits());
  return program;
}

}  // namespace strata::isa::x86::lockstep
