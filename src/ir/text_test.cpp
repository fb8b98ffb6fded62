// Tests of the text form: every operation goes out and comes back, and what is wrong is named.
#include "ir/text.h"

#include <gmock/gmock.h>

#include <random>

#include "ir/text_shape.h"

namespace strata::ir {
namespace {

using ::testing::HasSubstr;

const StateLayout layout{.slots = {{"pc", 0, Type::i64},
                                   {"b", 8, Type::i8},
                                   {"h", 10, Type::i16},
                                   {"w", 12, Type::i32},
                                   {"d", 16, Type::i64},
                                   {"f", 24, Type::f32},
                                   {"g", 32, Type::f64},
                                   {"x", 48, Type::f80},
                                   {"v.0", 64, Type::v128}},
                         .size = 80,
                         .pc = 0};

const Helper helpers[] = {
    {.name = "pure_one", .result = Type::i32, .operands = {Type::i32}, .effect = HelperEffect::pure},
    {.name = "leave", .operands = {Type::i64, Type::v128}},
    {.name = "nullary"},
};

const Helper* find_helper(std::string_view name) {
  for (const Helper& helper : helpers) {
    if (helper.name == name) return &helper;
  }
  return nullptr;
}

// Values are numbered by their place, which is what printing gives.
constexpr std::string_view every_operation = R"(unit 0xfff0, 7 bytes, 2 insns
b0:
  insn 0xfff0
  %1 = constant i8 0x80
  %2 = constant i1 0x1
  %3 = constant f64 0x3ff0000000000000
  %4 = vconstant 0x0123456789abcdeffedcba9876543210
  %5 = get w
  %6 = get d
  %7 = get f
  %8 = get v.0
  %9 = get x
  set x, %9
  %11 = add i32 %5, %5
  %12 = sub i32 %5, %11
  %13 = mul i32 %5, %11
  %14 = mulhi_u i32 %5, %11
  %15 = mulhi_s i64 %6, %6
  %16 = div_u i32 %5, %11
  %17 = div_s i32 %5, %11
  %18 = rem_u i32 %5, %11
  %19 = rem_s i32 %5, %11
  %20 = and i1 %2, %2
  %21 = or i32 %5, %11
  %22 = xor i32 %5, %11
  %23 = not i32 %5
  %24 = neg i32 %5
  %25 = shl i32 %5, %1
  %26 = shr i32 %5, %1
  %27 = sar i32 %5, %1
  %28 = rotl i32 %5, %1
  %29 = rotr i32 %5, %1
  %30 = clz i32 %5
  %31 = ctz i32 %5
  %32 = popcnt i32 %5
  %33 = bswap i32 %5
  %34 = gather_bits i32 %5, %11
  %35 = scatter_bits i64 %6, %6
  %36 = crc32c i8 %5, %1
  %37 = eq i32 %5, %11
  %38 = ne i32 %5, %11
  %39 = lt_u i32 %5, %11
  %40 = le_u i32 %5, %11
  %41 = lt_s i32 %5, %11
  %42 = le_s i32 %5, %11
  %43 = select f64 %37, %3, %3
  %44 = zext i64 %5
  %45 = sext i64 %37
  %46 = trunc i1 %44
  %47 = insert_low i64 %44, %1
  %48 = bitcast f32 %5
  %49 = flags_add i32 %5, %11
  %50 = flags_adc i32 %5, %11, %37
  %51 = flags_sub i32 %5, %11
  %52 = flags_sbb i32 %5, %11, %37
  %53 = flags_logic i8 %1
  %54 = flags_merge %49, %53, 0x801
  %55 = cond le, %54
  %56 = load v128 %6, space 3
  store i8 %6, %1, space 0
  %58 = atomic_swap i32 %6, %5, space 1
  %59 = atomic_add i32 %6, %5, space 1
  %60 = atomic_and i32 %6, %5, space 1
  %61 = atomic_or i32 %6, %5, space 1
  %62 = atomic_xor i32 %6, %5, space 1
  %63 = atomic_cas i32 %6, %5, %11, space 2
  fence
  %65 = call pure_one(%5)
  call leave(%6, %8)
  call nullary()
  %68 = fadd f32 %7, %48
  %69 = fsub f32 %7, %48
  %70 = fmul f32 %7, %48
  %71 = fdiv f32 %7, %48
  %72 = fsqrt f64 %3
  %73 = fmin f32 %7, %48
  %74 = fmax f32 %7, %48
  %75 = fcompare f32 %7, %48, 0x1
  %76 = fconvert f64 %7
  %77 = int_to_float f64 %5
  %78 = float_to_int i64 %3, 0x1
  fstack 0xd8c1
  %80 = fstack_compare 0xdff1
  fstack_memory %6, 0x3dd00
  %82 = fstack_status
  fstack_control %82
  %84 = vadd.i8 %8, %56
  %85 = vsub.i64 %8, %56
  %86 = vadd_sat_s.i8 %8, %56
  %87 = vadd_sat_u.i16 %8, %56
  %88 = vsub_sat_s.i8 %8, %56
  %89 = vsub_sat_u.i16 %8, %56
  %90 = vmul.i32 %8, %56
  %91 = vmulhi_s.i16 %8, %56
  %92 = vmulhi_u.i16 %8, %56
  %93 = vmul_even_u %8, %56
  %94 = vmul_even_s %8, %56
  %95 = vmadd %8, %56
  %96 = vsad %8, %56
  %97 = vavg_u.i8 %8, %56
  %98 = vmin_s.i8 %8, %56
  %99 = vmin_u.i16 %8, %56
  %100 = vmax_s.i32 %8, %56
  %101 = vmax_u.i32 %8, %56
  %102 = vabs.i8 %8
  %103 = vcmp_eq.i64 %8, %56
  %104 = vcmp_gt_s.i8 %8, %56
  %105 = vand %8, %56
  %106 = vor %8, %56
  %107 = vxor %8, %56
  %108 = vandn %8, %56
  %109 = vshl.i16 %8, %6
  %110 = vshr.i64 %8, %6
  %111 = vsar.i32 %8, %6
  %112 = vshl_bytes %8, 0x3
  %113 = vshr_bytes %8, 0xf
  %114 = valign %8, %56, 0x5
  %115 = vshuffle %8, 0x1b
  %116 = vshuffle_lo %8, 0x1b
  %117 = vshuffle_hi %8, 0xff
  %118 = vshuffle2.f64 %8, %56, 0x2
  %119 = vlookup %8, %56
  %120 = vblend.i16 %8, %56, 0x81
  %121 = vblend_mask.i8 %8, %56, %84
  %122 = vunpack_lo.i8 %8, %56
  %123 = vunpack_hi.i64 %8, %56
  %124 = vpack_s.i16 %8, %56
  %125 = vpack_u.i32 %8, %56
  %126 = vwiden_s.i8 %8
  %127 = vwiden_u.i32 %8
  %128 = vextract.i8 %8, 0xf
  %129 = vinsert.f64 %8, %3, 0x1
  %130 = vzext %7
  %131 = vsplat.i8 %1
  %132 = vmask.f32 %8
  %133 = vaes_encrypt %8, %56
  %134 = vaes_encrypt_last %8, %56
  %135 = vaes_decrypt %8, %56
  %136 = vaes_decrypt_last %8, %56
  %137 = vaes_inverse_mix %8
  %138 = vaes_key_assist %8, 0x80
  %139 = vmul_carryless %8, %56, 0x3
  %140 = vsha1_rounds %8, %56, 0x3
  %141 = vsha1_next %8, %56
  %142 = vsha1_message_1 %8, %56
  %143 = vsha1_message_2 %8, %56
  %144 = vsha256_rounds %8, %56, %84
  %145 = vsha256_message_1 %8, %56
  %146 = vsha256_message_2 %8, %56
  %147 = vfadd.f32 %8, %56
  %148 = vfsub.f64 %8, %56
  %149 = vfmul.f32 %8, %56
  %150 = vfdiv.f32 %8, %56
  %151 = vfsqrt.f64 %8
  %152 = vfmin.f32 %8, %56
  %153 = vfmax.f32 %8, %56
  %154 = vfcmp.f64 %8, %56, 0x7
  nop
  exit_if %37, trap 0xd
  poll
  %158 = sunk xor i32 %5, %11
  sunk set w, %158
  branch %37, b3, b2
b2:
  jump b4
b1:
  exit_goto 0x10000
b3:
  %163 = get pc
  exit_indirect %163
b4:
  exit halt 0x0
)";

TEST(Text, EveryOperationRoundTrips) {
  const Result<Unit> unit = parse(every_operation, layout, find_helper);
  ASSERT_TRUE(unit) << unit.error().message;
  EXPECT_EQ(print(*unit), every_operation);
  EXPECT_EQ(unit->guest_pc, 0xfff0u);
  EXPECT_EQ(unit->blocks.size(), 5u);
  for (size_t op = 0; op < std::size(op_table); ++op) {
    const bool shown = std::any_of(unit->code.begin(), unit->code.end(),
                                   [&](const Instr& instr) { return static_cast<size_t>(instr.op) == op; });
    EXPECT_TRUE(shown) << op_table[op].name << " is missing in the text above";
  }
}

TEST(Text, NamesNumbersAndCommentsAreFree) {
  const Result<Unit> unit =
      parse("b0:\n %minus = constant i16 -1 ; all ones\n %x=get h\n\n set h,%minus\n exit next", layout);
  ASSERT_TRUE(unit) << unit.error().message;
  EXPECT_THAT(print(*unit), HasSubstr("%0 = constant i16 0xffff\n  %1 = get h\n  set h, %0\n  exit next 0x0\n"));
}

std::string error_of(std::string_view text) {
  const Result<Unit> unit = parse(text, layout, find_helper);
  return unit ? "parsed" : unit.error().message;
}

TEST(Text, WhatIsWrongIsNamed) {
  EXPECT_EQ(error_of("b0:\n  %0 = ad i32 %1"), "line 2: there is no operation 'ad'");
  EXPECT_EQ(error_of("b0:\n  %0 = not i32 %1"), "line 2: '%1' is no value defined before");
  EXPECT_EQ(error_of("b0:\n  %0 = get q"), "line 2: there is no slot 'q'");
  EXPECT_EQ(error_of("b0:\n  call q()"), "line 2: there is no helper 'q'");
  EXPECT_EQ(error_of("b0:\n  %0 = constant i32 zz"), "line 2: 'zz' is no number of at most 64 bits");
  EXPECT_EQ(error_of("b0:\n  get w"), "line 2: get gives a value, so it must have a name");
  EXPECT_EQ(error_of("b0:\n  %0 = poll"), "line 2: poll gives no value");
  EXPECT_EQ(error_of("b0:\n  poll poll"), "line 2: 'poll' follows what should be the line's end");
  EXPECT_EQ(error_of("poll"), "line 1: an instruction outside a block");
  EXPECT_EQ(error_of("b0:\n exit next\nb0:\n exit next"), "line 3: b0 stands here a second time");
  EXPECT_EQ(error_of("b99999999:"), "line 1: block 99999999 is too many, at most 65536");
  EXPECT_EQ(error_of("b0:\n exit moon"), "line 2: there is no kind of exit 'moon'");
  EXPECT_EQ(error_of("b0:\n %0 = get w\n %0 = get w"), "line 3: %0 is defined twice");
  EXPECT_EQ(error_of(""), "the unit has no block");
}

/// Damaged text is refused, or is some other text: never more than that.
TEST(Text, DamageIsHarmless) {
  std::mt19937_64 random(2);
  unsigned still_parsed = 0;
  for (int round = 0; round < 5000; ++round) {
    std::string text(every_operation.substr(0, 600 + random() % (every_operation.size() - 600)));
    for (uint64_t changes = random() % 4; changes > 0; --changes) {
      const char letter = every_operation[random() % every_operation.size()];
      text[random() % text.size()] = letter;
    }
    if (random() % 2) text += "\n exit next\n";
    text.erase(std::min(text.find("branch"), text.size()));
    const Result<Unit> unit = parse(text + " exit next\n", layout, find_helper);
    if (!unit) continue;
    ++still_parsed;
    EXPECT_EQ(print(*parse(print(*unit), layout, find_helper)), print(*unit));
  }
  EXPECT_GT(still_parsed, 100u) << "the damage is too great to test anything";
}

}  // namespace
}  // namespace strata::ir
