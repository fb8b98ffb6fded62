// Floating point and vectors on the host's own unit, under the guest's MXCSR.
#include "base/assert.h"
#include "codegen/x64/compiler.h"

namespace strata::codegen::x64 {

using ir::Lane;
using ir::Op;

namespace {

Inst::Id pick(Lane lane, Inst::Id i8, Inst::Id i16, Inst::Id i32, Inst::Id i64) {
  switch (lane) {
    case Lane::i8: return i8;
    case Lane::i16: return i16;
    case Lane::i32:
    case Lane::f32: return i32;
    default: return i64;
  }
}
Inst::Id pick(bool single, Inst::Id f32, Inst::Id f64) { return single ? f32 : f64; }

constexpr Inst::Id none = Inst::kIdNone;

// clang-format off
/// The instruction that does `to := to op b` as the IR has it; none: there is not one.
Inst::Id two_operand(const ir::Instr& instr, const HostFeatures& host) {
  const Lane lane = instr.lane;
  const bool single = instr.type == ir::Type::f32, singles = lane == Lane::f32;
  switch (instr.op) {
    case Op::fadd: return pick(single, Inst::kIdAddss, Inst::kIdAddsd);
    case Op::fsub: return pick(single, Inst::kIdSubss, Inst::kIdSubsd);
    case Op::fmul: return pick(single, Inst::kIdMulss, Inst::kIdMulsd);
    case Op::fdiv: return pick(single, Inst::kIdDivss, Inst::kIdDivsd);
    case Op::fmin: return pick(single, Inst::kIdMinss, Inst::kIdMinsd);
    case Op::fmax: return pick(single, Inst::kIdMaxss, Inst::kIdMaxsd);
    case Op::vfadd: return pick(singles, Inst::kIdAddps, Inst::kIdAddpd);
    case Op::vfsub: return pick(singles, Inst::kIdSubps, Inst::kIdSubpd);
    case Op::vfmul: return pick(singles, Inst::kIdMulps, Inst::kIdMulpd);
    case Op::vfdiv: return pick(singles, Inst::kIdDivps, Inst::kIdDivpd);
    case Op::vfmin: return pick(singles, Inst::kIdMinps, Inst::kIdMinpd);
    case Op::vfmax: return pick(singles, Inst::kIdMaxps, Inst::kIdMaxpd);
    case Op::vadd: return pick(lane, Inst::kIdPaddb, Inst::kIdPaddw, Inst::kIdPaddd, Inst::kIdPaddq);
    case Op::vsub: return pick(lane, Inst::kIdPsubb, Inst::kIdPsubw, Inst::kIdPsubd, Inst::kIdPsubq);
    case Op::vadd_sat_s: return pick(lane, Inst::kIdPaddsb, Inst::kIdPaddsw, none, none);
    case Op::vadd_sat_u: return pick(lane, Inst::kIdPaddusb, Inst::kIdPaddusw, none, none);
    case Op::vsub_sat_s: return pick(lane, Inst::kIdPsubsb, Inst::kIdPsubsw, none, none);
    case Op::vsub_sat_u: return pick(lane, Inst::kIdPsubusb, Inst::kIdPsubusw, none, none);
    case Op::vmul: return pick(lane, none, Inst::kIdPmullw, Inst::kIdPmulld, none);
    case Op::vmulhi_s: return Inst::kIdPmulhw;
    case Op::vmulhi_u: return Inst::kIdPmulhuw;
    case Op::vmul_even_u: return Inst::kIdPmuludq;
    case Op::vmul_even_s: return Inst::kIdPmuldq;
    case Op::vmadd: return Inst::kIdPmaddwd;
    case Op::vsad: return Inst::kIdPsadbw;
    case Op::vavg_u: return pick(lane, Inst::kIdPavgb, Inst::kIdPavgw, none, none);
    case Op::vmin_s: return pick(lane, Inst::kIdPminsb, Inst::kIdPminsw, Inst::kIdPminsd, none);
    case Op::vmin_u: return pick(lane, Inst::kIdPminub, Inst::kIdPminuw, Inst::kIdPminud, none);
    case Op::vmax_s: return pick(lane, Inst::kIdPmaxsb, Inst::kIdPmaxsw, Inst::kIdPmaxsd, none);
    case Op::vmax_u: return pick(lane, Inst::kIdPmaxub, Inst::kIdPmaxuw, Inst::kIdPmaxud, none);
    case Op::vcmp_eq: return pick(lane, Inst::kIdPcmpeqb, Inst::kIdPcmpeqw, Inst::kIdPcmpeqd, Inst::kIdPcmpeqq);
    case Op::vcmp_gt_s: return pick(lane, Inst::kIdPcmpgtb, Inst::kIdPcmpgtw, Inst::kIdPcmpgtd, none);
    case Op::vand: return Inst::kIdPand;
    case Op::vor: return Inst::kIdPor;
    case Op::vxor: return Inst::kIdPxor;
    case Op::vandn: return Inst::kIdPandn;
    case Op::vunpack_lo: return pick(lane, Inst::kIdPunpcklbw, Inst::kIdPunpcklwd, Inst::kIdPunpckldq, Inst::kIdPunpcklqdq);
    case Op::vunpack_hi: return pick(lane, Inst::kIdPunpckhbw, Inst::kIdPunpckhwd, Inst::kIdPunpckhdq, Inst::kIdPunpckhqdq);
    case Op::vpack_s: return pick(lane, none, Inst::kIdPacksswb, Inst::kIdPackssdw, none);
    case Op::vpack_u: return pick(lane, none, Inst::kIdPackuswb, Inst::kIdPackusdw, none);
    case Op::vlookup: return Inst::kIdPshufb;
    case Op::vfcmp: return pick(singles, Inst::kIdCmpps, Inst::kIdCmppd);
    case Op::vshuffle2: return pick(lane, none, none, Inst::kIdShufps, Inst::kIdShufpd);
    case Op::valign: return Inst::kIdPalignr;
    case Op::vaes_encrypt: return host.aes ? Inst::kIdAesenc : none;
    case Op::vaes_encrypt_last: return host.aes ? Inst::kIdAesenclast : none;
    case Op::vaes_decrypt: return host.aes ? Inst::kIdAesdec : none;
    case Op::vaes_decrypt_last: return host.aes ? Inst::kIdAesdeclast : none;
    case Op::vmul_carryless: return host.pclmulqdq ? Inst::kIdPclmulqdq : none;
    case Op::vsha1_rounds: return host.sha ? Inst::kIdSha1rnds4 : none;
    case Op::vsha1_next: return host.sha ? Inst::kIdSha1nexte : none;
    case Op::vsha1_message_1: return host.sha ? Inst::kIdSha1msg1 : none;
    case Op::vsha1_message_2: return host.sha ? Inst::kIdSha1msg2 : none;
    case Op::vsha256_message_1: return host.sha ? Inst::kIdSha256msg1 : none;
    case Op::vsha256_message_2: return host.sha ? Inst::kIdSha256msg2 : none;
    default: return none;
  }
}

Inst::Id one_operand(const ir::Instr& instr, const HostFeatures& host) {
  switch (instr.op) {
    case Op::fsqrt: return pick(instr.type == ir::Type::f32, Inst::kIdSqrtss, Inst::kIdSqrtsd);
    case Op::vfsqrt: return pick(instr.lane == Lane::f32, Inst::kIdSqrtps, Inst::kIdSqrtpd);
    case Op::vabs: return pick(instr.lane, Inst::kIdPabsb, Inst::kIdPabsw, Inst::kIdPabsd, none);
    case Op::vshuffle: return Inst::kIdPshufd;
    case Op::vshuffle_lo: return Inst::kIdPshuflw;
    case Op::vshuffle_hi: return Inst::kIdPshufhw;
    case Op::vwiden_s: return pick(instr.lane, Inst::kIdPmovsxbw, Inst::kIdPmovsxwd, Inst::kIdPmovsxdq, none);
    case Op::vwiden_u: return pick(instr.lane, Inst::kIdPmovzxbw, Inst::kIdPmovzxwd, Inst::kIdPmovzxdq, none);
    case Op::vaes_inverse_mix: return host.aes ? Inst::kIdAesimc : none;
    case Op::vaes_key_assist: return host.aes ? Inst::kIdAeskeygenassist : none;
    default: return none;
  }
}
// clang-format on

bool takes_immediate(Op op) {
  switch (op) {
    case Op::vfcmp:
    case Op::vshuffle2:
    case Op::valign:
    case Op::vshuffle:
    case Op::vshuffle_lo:
    case Op::vshuffle_hi:
    case Op::vaes_key_assist:
    case Op::vmul_carryless:
    case Op::vsha1_rounds: return true;
    default: return false;
  }
}

/// As the host's instruction has it.
asmjit::Imm immediate_of(const ir::Instr& instr) {
  if (instr.op == Op::vmul_carryless) return asmjit::imm((instr.imm & 1) | (instr.imm & 2) << 3);
  return asmjit::imm(instr.imm);
}

}  // namespace

bool Compiler::compile_vector(const Instr& instr) {
  if (move_slot_lane(instr) || move_home_lane(instr)) return true;
  if (!host_.sse4_1) return false;
  if (const Inst::Id id = two_operand(instr, host_); id != none) {
    const Xmm right = use_vector(instr.arg[1]);
    const Xmm to = define_vector_from(here(), instr.arg[0]);
    if (takes_immediate(instr.op)) a_.emit(id, to, right, immediate_of(instr));
    else a_.emit(id, to, right);
    return true;
  }
  if (const Inst::Id id = one_operand(instr, host_); id != none) {
    const Xmm from = use_vector(instr.arg[0]), to = define_vector(here(), true);
    if (takes_immediate(instr.op)) a_.emit(id, to, from, immediate_of(instr));
    else a_.emit(id, to, from);
    return true;
  }
  switch (instr.op) {
    case Op::fcompare: compare_float(instr); return true;
    case Op::fconvert:
    case Op::int_to_float:
    case Op::float_to_int: return convert_float(instr);
    case Op::vshl:
    case Op::vshr:
    case Op::vsar: return shift_lanes(instr);
    case Op::vsha256_rounds: return sha256_rounds(instr);
    default: return move_lanes(instr);
  }
}

/// Carry, zero and parity are what ucomis gives; lahf sets another bit besides.
void Compiler::compare_float(const Instr& instr) {
  const bool single = type_of(instr.arg[0]) == Type::f32;
  const Xmm a = use_vector(instr.arg[0]), b = use_vector(instr.arg[1]);
  const Gp to = define(here());
  if (instr.imm != 0) a_.emit(single ? Inst::kIdComiss : Inst::kIdComisd, a, b);
  else a_.emit(single ? Inst::kIdUcomiss : Inst::kIdUcomisd, a, b);
  a_.lahf();
  a_.movzx(x86::eax, x86::ah);
  a_.and_(x86::eax, ir::Flag::carry | ir::Flag::zero | ir::Flag::parity);
  a_.mov(to.r32(), x86::eax);
}

bool Compiler::convert_float(const Instr& instr) {
  const Value from = instr.arg[0];
  if (instr.op == Op::fconvert) {
    const Xmm source = use_vector(from), to = define_vector(here(), true);
    if (instr.type == Type::f32) a_.cvtsd2ss(to, source);
    else a_.cvtss2sd(to, source);
  } else if (instr.op == Op::int_to_float) {
    const Gp source = use(from);
    const Gp sized_source = half_or_all(source, type_of(from) == Type::i64);
    const Xmm to = define_vector(here());
    if (!vectors_.homes.is_home(to.id())) a_.xorps(to, to);  // no waiting for what it held
    if (instr.type == Type::f32) a_.cvtsi2ss(to, sized_source);
    else a_.cvtsi2sd(to, sized_source);
  } else {
    const Xmm source = use_vector(from);
    const Gp reg = define(here());
    const Gp to = half_or_all(reg, instr.type == Type::i64);
    const bool single = type_of(from) == Type::f32;
    const Inst::Id truncating = single ? Inst::kIdCvttss2si : Inst::kIdCvttsd2si;
    const Inst::Id rounding = single ? Inst::kIdCvtss2si : Inst::kIdCvtsd2si;
    a_.emit(instr.imm != 0 ? truncating : rounding, to, source);
  }
  return true;
}

/// The instruction has the schedule's words in xmm0. What else is wanted there is spared, in xmm15.
bool Compiler::sha256_rounds(const Instr& instr) {
  if (!host_.sha) return false;
  const Xmm keys = use_vector(instr.arg[2]), abef = use_vector(instr.arg[1]);
  const Xmm to = define_vector_from(here(), instr.arg[0]);
  if (keys == x86::xmm0) {
    a_.emit(Inst::kIdSha256rnds2, to, abef);
    return true;
  }
  const bool wanted = vectors_.homes.is_home(0) || is_wanted(vectors_, 0);
  const auto spared = [](const Xmm& reg) { return reg == x86::xmm0 ? x86::xmm15 : reg; };
  if (wanted) a_.movaps(x86::xmm15, x86::xmm0);
  a_.movaps(x86::xmm0, keys);
  a_.emit(Inst::kIdSha256rnds2, spared(to), spared(abef));
  if (wanted) a_.movaps(x86::xmm0, x86::xmm15);
  return true;
}

bool Compiler::shift_lanes(const Instr& instr) {
  // clang-format off
  const Inst::Id id =
      instr.op == Op::vshl ? pick(instr.lane, none, Inst::kIdPsllw, Inst::kIdPslld, Inst::kIdPsllq)
      : instr.op == Op::vshr ? pick(instr.lane, none, Inst::kIdPsrlw, Inst::kIdPsrld, Inst::kIdPsrlq)
                             : pick(instr.lane, none, Inst::kIdPsraw, Inst::kIdPsrad, none);
  // clang-format on
  if (id == none) return false;
  const Value count = instr.arg[1];
  if (is_constant(count)) {
    const Xmm to = define_vector_from(here(), instr.arg[0]);
    a_.emit(id, to, asmjit::imm(std::min<uint64_t>(at(count).imm, 255)));
    return true;
  }
  const Gp by = use(count);
  const Xmm to = define_vector_from(here(), instr.arg[0]);
  a_.movq(x86::xmm15, by);
  a_.emit(id, to, x86::xmm15);
  return true;
}

/// A lane read from a slot where it stands, or put there.
bool Compiler::move_slot_lane(const Instr& instr) {
  const Value a = instr.arg[0];
  const bool reads = instr.op == Op::vextract && at(a).op == Op::get && note(a).fused;
  const bool writes = instr.op == Op::vinsert && note(here()).direct && target_of(here()) < 0;
  if (!reads && !writes) return false;
  const Type type = ir::lane_type(instr.lane);
  const ir::Slot& slot = slot_of(at(reads ? a : note(here()).fold));
  const x86::Mem place = state(slot.offset + static_cast<uint32_t>(instr.imm) * ir::bytes(type), ir::bytes(type));
  if (writes) {
    const int8_t part = use_to_store(instr.arg[1]);
    store_to(place, type, instr.arg[1], part);
    return true;
  }
  if (is_vector_type(type)) define_vector(here());
  else define(here());
  load_from(place, type, note(here()).reg);
  return true;
}

/// The lowest lane of a home read where it stands, or put there.
bool Compiler::move_home_lane(const Instr& instr) {
  const Value a = instr.arg[0];
  if (instr.op == Op::vextract && instr.imm == 0 && is_vector_type(ir::lane_type(instr.lane))) {
    share(here(), a);
    note(here()).unclean = true;
    return true;
  }
  if (instr.op != Op::vinsert || !note(here()).direct) return false;
  const int8_t home = target_of(here());
  const Xmm part = use_vector(instr.arg[1]), to = x86::xmm(static_cast<uint32_t>(home));
  if (part != to) {
    vacate(vectors_, home);
    if (instr.lane == Lane::f32) a_.movss(to, part);
    else a_.movsd(to, part);
  }
  bind(here(), home);
  return true;
}

bool Compiler::move_lanes(const Instr& instr) {
  const Value a = instr.arg[0];
  switch (instr.op) {
    case Op::vshl_bytes:
    case Op::vshr_bytes: {
      const Xmm to = define_vector_from(here(), a);
      const auto count = asmjit::imm(std::min<uint64_t>(instr.imm, 16));
      a_.emit(instr.op == Op::vshl_bytes ? Inst::kIdPslldq : Inst::kIdPsrldq, to, count);
      return true;
    }
    case Op::vzext: {
      const Type from = type_of(a);
      if (!is_vector_type(from)) {
        const Gp source = use(a);
        const Xmm to = define_vector(here());
        if (from == Type::i64) a_.movq(to, source);
        else a_.movd(to, source.r32());
        return true;
      }
      const Xmm source = use_vector(a);
      const int8_t target = target_of(here());
      if (!note(a).unclean && (target < 0 || target == note(a).reg)) {
        share(here(), a);
        return true;
      }
      const Xmm to = define_vector(here(), from == Type::f64);
      if (from == Type::f64) {
        a_.movq(to, source);
      } else {
        a_.xorps(to, to);
        a_.movss(to, source);
      }
      return true;
    }
    case Op::vextract: {
      const Type type = ir::lane_type(instr.lane);
      const Xmm source = use_vector(a);
      if (is_vector_type(type)) {
        const Xmm to = define_vector(here());
        if (type == Type::f64) a_.pshufd(to, source, 0xee);
        else a_.pshufd(to, source, static_cast<uint32_t>(instr.imm));
        return true;
      }
      const Gp to = define(here());
      const auto lane = static_cast<uint32_t>(instr.imm);
      if (type == Type::i8) a_.pextrb(to.r32(), source, lane);
      else if (type == Type::i16) a_.pextrw(to.r32(), source, lane);
      else if (type == Type::i32) a_.pextrd(to.r32(), source, lane);
      else a_.pextrq(to.r64(), source, lane);
      return true;
    }
    case Op::vinsert: {
      const Type type = ir::lane_type(instr.lane);
      const auto lane = static_cast<uint32_t>(instr.imm);
      if (is_vector_type(type)) {
        const Xmm part = use_vector(instr.arg[1]);
        const Xmm to = define_vector_from(here(), a);
        if (type == Type::f32) a_.insertps(to, part, lane << 4);
        else if (lane == 0) a_.movsd(to, part);
        else a_.movlhps(to, part);
        return true;
      }
      const Gp part = use(instr.arg[1]);
      const Xmm to = define_vector_from(here(), a);
      if (type == Type::i8) a_.pinsrb(to, part.r32(), lane);
      else if (type == Type::i16) a_.pinsrw(to, part.r32(), lane);
      else if (type == Type::i32) a_.pinsrd(to, part.r32(), lane);
      else a_.pinsrq(to, part.r64(), lane);
      return true;
    }
    case Op::vmask: {
      const Xmm source = use_vector(a);
      const Gp to = define(here());
      if (instr.lane == Lane::i8) a_.pmovmskb(to.r32(), source);
      else if (instr.lane == Lane::f32) a_.movmskps(to.r32(), source);
      else a_.movmskpd(to.r32(), source);
      return true;
    }
    default: return false;
  }
}

}  // namespace strata::codegen::x64
