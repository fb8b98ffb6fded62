// From bytes to Insn: prefixes, opcode, ModRM with SIB and displacement, immediates, in this order (SDM vol. 2, ch. 2).
#include "isa/x86/decode.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "base/bits.h"
#include "isa/x86/decode/opcode_table.h"

namespace strata::isa::x86 {
namespace {

constexpr size_t longest = 15;

constexpr auto in_64_bits = [] {
  std::array<bool, 256> valid{};
  valid.fill(true);
  for (char opcode : invalid_in_64_bits) valid[static_cast<uint8_t>(opcode)] = false;
  return valid;
}();

/// The steps give false where the instruction ends there, with the reason in status().
class Decoder {
 public:
  Decoder(std::span<const uint8_t> bytes, unsigned code_bits, Insn& insn)
      : bytes_(bytes.first(std::min(bytes.size(), longest))), code_bits_(code_bits), insn_(insn) {}

  DecodeStatus run() {
    if (prefixes() && opcode() && operands()) insn_.length = static_cast<uint8_t>(at_);
    return status_;
  }

 private:
  bool stop(DecodeStatus status) {
    status_ = status;
    return false;
  }

  bool take(uint8_t& byte) {
    if (at_ == bytes_.size()) return stop(at_ == longest ? DecodeStatus::too_long : DecodeStatus::more);
    byte = bytes_[at_++];
    return true;
  }

  template <class Number>
  static Number little_endian(const uint8_t* from) {
    static_assert(std::endian::native == std::endian::little);
    Number number;
    std::memcpy(&number, from, sizeof number);
    return number;
  }

  /// A little-endian number of 8 to 64 bits, sign-extended.
  bool take_signed(unsigned bits, int64_t& value) {
    const size_t size = bits / 8;
    if (bytes_.size() - at_ < size) {
      at_ = bytes_.size();
      return stop(at_ == longest ? DecodeStatus::too_long : DecodeStatus::more);
    }
    const uint8_t* const from = &bytes_[at_];
    at_ += size;
    switch (bits) {
      case 8: value = sign_extend(*from, bits); break;
      case 16: value = little_endian<int16_t>(from); break;
      case 32: value = little_endian<int32_t>(from); break;
      default: value = little_endian<int64_t>(from); break;
    }
    return true;
  }

  /// Reads up to and with the first opcode byte, which stays in opcode_.
  bool prefixes() {
    uint8_t rex = 0;
    for (;;) {
      if (!take(opcode_)) return false;
      if (code_bits_ == 64 && (opcode_ & 0xf0) == 0x40) {
        rex = opcode_;
        continue;
      }
      if (!legacy_prefix(opcode_)) break;
      rex = 0;  // a REX prefix counts only right before the opcode
    }
    if (rex != 0) set_rex(rex);
    insn_.rex = rex != 0;
    if (insn_.repne) insn_.simd_prefix = 0xf2;
    else if (insn_.rep) insn_.simd_prefix = 0xf3;
    else if (insn_.operand_prefix) insn_.simd_prefix = 0x66;
    set_sizes();
    return true;
  }

  bool legacy_prefix(uint8_t byte) {
    switch (byte) {
      case 0x26: return segment_prefix(es);
      case 0x2e: return segment_prefix(cs);
      case 0x36: return segment_prefix(ss);
      case 0x3e: return segment_prefix(ds);
      case 0x64: insn_.segment_override = fs; return true;
      case 0x65: insn_.segment_override = gs; return true;
      case 0x66: insn_.operand_prefix = true; return true;
      case 0x67: address_prefix_ = true; return true;
      case 0xf0: insn_.lock = true; return true;
      case 0xf2:
        insn_.repne = true;
        insn_.rep = false;
        return true;
      case 0xf3:
        insn_.rep = true;
        insn_.repne = false;
        return true;
      default: return false;
    }
  }

  /// In 64-bit code these four mean nothing.
  bool segment_prefix(SegmentName segment) {
    if (code_bits_ != 64) insn_.segment_override = segment;
    return true;
  }

  void set_rex(uint8_t wrxb) {
    insn_.rex_w = wrxb & 8;
    insn_.rex_r = wrxb & 4 ? 8 : 0;
    insn_.rex_x = wrxb & 2 ? 8 : 0;
    insn_.rex_b = wrxb & 1 ? 8 : 0;
  }

  void set_sizes() {
    if (code_bits_ == 64) {
      insn_.operand_bits = insn_.rex_w ? 64 : insn_.operand_prefix ? 16 : 32;
      insn_.address_bits = address_prefix_ ? 32 : 64;
    } else {
      insn_.operand_bits = (code_bits_ == 32) != insn_.operand_prefix ? 32 : 16;
      insn_.address_bits = (code_bits_ == 32) != address_prefix_ ? 32 : 16;
    }
  }

  bool opcode() {
    if (opcode_ == 0x0f) return escape();
    // VEX where LES and LDS cannot be: in 64-bit code, and elsewhere in front of what would be a register form.
    if (opcode_ == 0xc4 || opcode_ == 0xc5) {
      if (at_ == bytes_.size()) return take(opcode_);
      if (code_bits_ == 64 || bytes_[at_] >= 0xc0) return vex(opcode_ == 0xc4);
    }
    if (opcode_ == 0x62 && code_bits_ == 64) return stop(DecodeStatus::invalid);  // EVEX
    if (code_bits_ == 64 && !in_64_bits[opcode_]) return stop(DecodeStatus::invalid);
    insn_.map = Map::primary;
    form_ = static_cast<Form>(primary_map[opcode_]);
    return true;
  }

  bool escape() {
    if (!take(opcode_)) return false;
    insn_.map = Map::map_0f;
    if (opcode_ == 0x38 || opcode_ == 0x3a) {
      insn_.map = opcode_ == 0x38 ? Map::map_0f38 : Map::map_0f3a;
      if (!take(opcode_)) return false;
    }
    form_ = form_in(insn_.map);
    return form_ != Form::invalid || stop(DecodeStatus::invalid);
  }

  Form form_in(Map map) const {
    switch (map) {
      case Map::map_0f38: return Form::modrm;
      case Map::map_0f3a: return Form::modrm_imm8;
      default: return static_cast<Form>(map_0f[opcode_]);
    }
  }

  /// SDM vol. 2, 2.3.5: C5 RvvvvLpp, or C4 RXBmmmmm WvvvvLpp; R, X, B and vvvv inverted.
  bool vex(bool three_bytes) {
    if (insn_.lock || insn_.simd_prefix != 0 || insn_.rex) return stop(DecodeStatus::invalid);
    uint8_t first = 0, last = 0;
    unsigned map = 1;
    if (!take(first)) return false;
    last = first;
    if (three_bytes) {
      map = first & 0x1f;
      if (map < 1 || map > 3) return stop(DecodeStatus::invalid);
      if (!take(last)) return false;
    }
    if (code_bits_ == 64) {
      const uint8_t inverted = static_cast<uint8_t>(~first);
      const uint8_t rxb = three_bytes ? inverted >> 5 & 7 : inverted >> 5 & 4;
      set_rex(static_cast<uint8_t>(rxb | (three_bytes && (last & 0x80) ? 8 : 0)));
    } else {
      insn_.rex_w = three_bytes && (last & 0x80);
    }
    insn_.vex = Vex::vex;
    insn_.vex_register = static_cast<uint8_t>(~last >> 3 & (code_bits_ == 64 ? 15 : 7));
    insn_.vex_256 = last & 4;
    constexpr uint8_t simd_prefixes[] = {0, 0x66, 0xf3, 0xf2};
    insn_.simd_prefix = simd_prefixes[last & 3];
    insn_.operand_bits = insn_.rex_w && code_bits_ == 64 ? 64 : 32;
    insn_.map = static_cast<Map>(map);
    if (!take(opcode_)) return false;
    form_ = form_in(insn_.map);
    return form_ != Form::invalid || stop(DecodeStatus::invalid);
  }

  bool operands() {
    insn_.opcode = opcode_;
    switch (form_) {
      case Form::none: return true;
      case Form::modrm: return modrm();
      case Form::modrm_register: return modrm(true);
      case Form::modrm_imm8: return modrm() && immediate(8);
      case Form::modrm_immz: return modrm() && immediate(immz_bits());
      case Form::test_imm8: return modrm() && (insn_.reg > 1 || immediate(8));
      case Form::test_immz: return modrm() && (insn_.reg > 1 || immediate(immz_bits()));
      case Form::imm8: return immediate(8);
      case Form::imm16: return immediate(16);
      case Form::immz: return immediate(immz_bits());
      case Form::immv: return immediate(insn_.operand_bits);
      case Form::relz: return immediate(code_bits_ == 64 ? 32 : immz_bits());
      case Form::moffs: return take_signed(insn_.address_bits, insn_.displacement);
      case Form::far_pointer: return immediate(immz_bits()) && take_signed(16, insn_.immediate2);
      case Form::enter: return immediate(16) && take_signed(8, insn_.immediate2);
      case Form::prefix:
      case Form::invalid: break;
    }
    return stop(DecodeStatus::invalid);
  }

  unsigned immz_bits() const { return insn_.operand_bits == 16 ? 16 : 32; }
  bool immediate(unsigned bits) { return take_signed(bits, insn_.immediate); }

  bool modrm(bool always_registers = false) {
    uint8_t byte = 0;
    if (!take(byte)) return false;
    insn_.has_modrm = true;
    insn_.mod = always_registers ? 3 : byte >> 6;
    insn_.reg = byte >> 3 & 7;
    insn_.rm = byte & 7;
    if (insn_.mod == 3) return true;
    return insn_.address_bits == 16 ? memory_16() : memory_32();
  }

  /// SDM vol. 2, table 2-1.
  bool memory_16() {
    static constexpr struct {
      uint8_t base;
      bool has_index;
      uint8_t index;
    } forms[] = {{rbx, true, rsi}, {rbx, true, rdi}, {rbp, true, rsi}, {rbp, true, rdi},
                 {rsi, false, 0},  {rdi, false, 0},  {rbp, false, 0},  {rbx, false, 0}};
    if (insn_.mod == 0 && insn_.rm == 6) return take_signed(16, insn_.displacement);
    const auto& form = forms[insn_.rm];
    insn_.has_base = true;
    insn_.base = form.base;
    insn_.has_index = form.has_index;
    insn_.index = form.index;
    return displacement(16);
  }

  /// SDM vol. 2, tables 2-2 and 2-3.
  bool memory_32() {
    if (insn_.rm == 4) return sib();
    if (insn_.mod == 0 && insn_.rm == 5) {
      insn_.rip_relative = code_bits_ == 64;
      return take_signed(32, insn_.displacement);
    }
    insn_.has_base = true;
    insn_.base = insn_.rm_number();
    return displacement(32);
  }

  bool sib() {
    uint8_t byte = 0;
    if (!take(byte)) return false;
    insn_.has_sib = true;
    insn_.scale = byte >> 6;
    insn_.index = static_cast<uint8_t>((byte >> 3 & 7) | insn_.rex_x);
    insn_.has_index = insn_.index != rsp;  // index 4 is none; R12 is one
    insn_.base = static_cast<uint8_t>((byte & 7) | insn_.rex_b);
    if ((byte & 7) == 5 && insn_.mod == 0) return take_signed(32, insn_.displacement);
    insn_.has_base = true;
    return displacement(32);
  }

  bool displacement(unsigned full_bits) {
    if (insn_.mod == 0) return true;
    return take_signed(insn_.mod == 1 ? 8 : full_bits, insn_.displacement);
  }

  std::span<const uint8_t> bytes_;
  const unsigned code_bits_;
  Insn& insn_;
  size_t at_ = 0;
  DecodeStatus status_ = DecodeStatus::ok;
  uint8_t opcode_ = 0;
  bool address_prefix_ = false;
  Form form_ = Form::invalid;
};

}  // namespace

DecodeStatus decode(std::span<const uint8_t> bytes, unsigned code_bits, Insn& out) {
  out = Insn{};
  return Decoder(bytes, code_bits, out).run();
}

}  // namespace strata::isa::x86
