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
  %13 = adc i32 %5, %11, %2
  %14 = sbb i64 %6, %6, %2
  %15 = mul i32 %5, %11
  %16 = mulhi_u i32 %5, %11
  %17 = mulhi_s i64 %6, %6
  %18 = div_u i32 %5, %11
  %19 = div_s i32 %5, %11
  %20 = rem_u i32 %5, %11
  %21 = rem_s i32 %5, %11
  %22 = and i1 %2, %2
  %23 = or i32 %5, %11
  %24 = xor i32 %5, %11
  %25 = not i32 %5
  %26 = neg i32 %5
  %27 = shl i32 %5, %1
  %28 = shr i32 %5, %1
  %29 = sar i32 %5, %1
  %30 = rotl i32 %5, %1
  %31 = rotr i32 %5, %1
  %32 = clz i32 %5
  %33 = ctz i32 %5
  %34 = popcnt i32 %5
  %35 = bswap i32 %5
  %36 = gather_bits i32 %5, %11
  %37 = scatter_bits i64 %6, %6
  %38 = crc32c i8 %5, %1
  %39 = eq i32 %5, %11
  %40 = ne i32 %5, %11
  %41 = lt_u i32 %5, %11
  %42 = le_u i32 %5, %11
  %43 = lt_s i32 %5, %11
  %44 = le_s i32 %5, %11
  %45 = select f64 %39, %3, %3
  %46 = zext i64 %5
  %47 = sext i64 %39
  %48 = trunc i1 %46
  %49 = insert_low i64 %46, %1
  %50 = bitcast f32 %5
  %51 = flags_add i32 %5, %11
  %52 = flags_adc i32 %5, %11, %39
  %53 = flags_sub i32 %5, %11
  %54 = flags_sbb i32 %5, %11, %39
  %55 = flags_logic i8 %1
  %56 = flags_merge %51, %55, 0x801
  %57 = carry_adc i64 %6, %6, %2
  %58 = carry_sbb i32 %5, %11, %2
  %59 = cond le, %56
  %60 = load v128 %6, space 3
  store i8 %6, %1, space 0
  %62 = atomic_swap i32 %6, %5, space 1
  %63 = atomic_add i32 %6, %5, space 1
  %64 = atomic_and i32 %6, %5, space 1
  %65 = atomic_or i32 %6, %5, space 1
  %66 = atomic_xor i32 %6, %5, space 1
  %67 = atomic_cas i32 %6, %5, %11, space 2
  fence
  %69 = call pure_one(%5)
  call leave(%6, %8)
  call nullary()
  %72 = fadd f32 %7, %50
  %73 = fsub f32 %7, %50
  %74 = fmul f32 %7, %50
  %75 = fdiv f32 %7, %50
  %76 = fsqrt f64 %3
  %77 = fmin f32 %7, %50
  %78 = fmax f32 %7, %50
  %79 = fcompare f32 %7, %50, 0x1
  %80 = fconvert f64 %7
  %81 = int_to_float f64 %5
  %82 = float_to_int i64 %3, 0x1
  fstack 0xd8c1
  %84 = fstack_compare 0xdff1
  fstack_memory %6, 0x3dd00
  %86 = fstack_status
  fstack_control %86
  %88 = vadd.i8 %8, %60
  %89 = vsub.i64 %8, %60
  %90 = vadd_sat_s.i8 %8, %60
  %91 = vadd_sat_u.i16 %8, %60
  %92 = vsub_sat_s.i8 %8, %60
  %93 = vsub_sat_u.i16 %8, %60
  %94 = vmul.i32 %8, %60
  %95 = vmulhi_s.i16 %8, %60
  %96 = vmulhi_u.i16 %8, %60
  %97 = vmul_even_u %8, %60
  %98 = vmul_even_s %8, %60
  %99 = vmadd %8, %60
  %100 = vsad %8, %60
  %101 = vavg_u.i8 %8, %60
  %102 = vmin_s.i8 %8, %60
  %103 = vmin_u.i16 %8, %60
  %104 = vmax_s.i32 %8, %60
  %105 = vmax_u.i32 %8, %60
  %106 = vabs.i8 %8
  %107 = vcmp_eq.i64 %8, %60
  %108 = vcmp_gt_s.i8 %8, %60
  %109 = vand %8, %60
  %110 = vor %8, %60
  %111 = vxor %8, %60
  %112 = vandn %8, %60
  %113 = vshl.i16 %8, %6
  %114 = vshr.i64 %8, %6
  %115 = vsar.i32 %8, %6
  %116 = vshl_bytes %8, 0x3
  %117 = vshr_bytes %8, 0xf
  %118 = valign %8, %60, 0x5
  %119 = vshuffle %8, 0x1b
  %120 = vshuffle_lo %8, 0x1b
  %121 = vshuffle_hi %8, 0xff
  %122 = vshuffle2.f64 %8, %60, 0x2
  %123 = vlookup %8, %60
  %124 = vblend.i16 %8, %60, 0x81
  %125 = vblend_mask.i8 %8, %60, %88
  %126 = vunpack_lo.i8 %8, %60
  %127 = vunpack_hi.i64 %8, %60
  %128 = vpack_s.i16 %8, %60
  %129 = vpack_u.i32 %8, %60
  %130 = vwiden_s.i8 %8
  %131 = vwiden_u.i32 %8
  %132 = vextract.i8 %8, 0xf
  %133 = vinsert.f64 %8, %3, 0x1
  %134 = vzext %7
  %135 = vsplat.i8 %1
  %136 = vmask.f32 %8
  %137 = vaes_encrypt %8, %60
  %138 = vaes_encrypt_last %8, %60
  %139 = vaes_decrypt %8, %60
  %140 = vaes_decrypt_last %8, %60
  %141 = vaes_inverse_mix %8
  %142 = vaes_key_assist %8, 0x80
  %143 = vmul_carryless %8, %60, 0x3
  %144 = vsha1_rounds %8, %60, 0x3
  %145 = vsha1_next %8, %60
  %146 = vsha1_message_1 %8, %60
  %147 = vsha1_message_2 %8, %60
  %148 = vsha256_rounds %8, %60, %88
  %149 = vsha256_message_1 %8, %60
  %150 = vsha256_message_2 %8, %60
  %151 = vfadd.f32 %8, %60
  %152 = vfsub.f64 %8, %60
  %153 = vfmul.f32 %8, %60
  %154 = vfdiv.f32 %8, %60
  %155 = vfsqrt.f64 %8
  %156 = vfmin.f32 %8, %60
  %157 = vfmax.f32 %8, %60
  %158 = vfcmp.f64 %8, %60, 0x7
  nop
  exit_if %39, trap 0xd
  poll
  %162 = sunk xor i32 %5, %11
  sunk set w, %162
  drop w
  branch %39, b3, b2
b2:
  jump b4
b1:
  expect_return 0x10005
  exit_goto 0x10000
b3:
  %169 = get pc
  exit_indirect %169, return
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
    EXPECT_TRUE(shown) << op_names[op] << " is missing in the text above";
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
