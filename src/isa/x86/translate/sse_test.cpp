// SSE instructions on processors that may not run them, and in forms that do not exist.
#include <gtest/gtest.h>

#include <vector>

#include "isa/x86/system/control_bits.h"
#include "isa/x86/translate/raised_test.h"

namespace strata::isa::x86 {
namespace {

const std::vector<uint8_t> addps = {0x0f, 0x58, 0xc1}, crc32 = {0xf2, 0x0f, 0x38, 0xf1, 0xc1},
                           ldmxcsr = {0x0f, 0xae, 0x10};

TEST(TranslateSse, NeedsOsfxsr) {
  EXPECT_EQ(raised(addps), none);
  EXPECT_EQ(raised(addps, 0, 0), vector_ud);
  EXPECT_EQ(raised(ldmxcsr), none);
  EXPECT_EQ(raised(ldmxcsr, 0, 0), vector_ud);
}

TEST(TranslateSse, EmulationIsUndefinedAndTaskSwitchedUnavailable) {
  EXPECT_EQ(raised(addps, Cr0::em), vector_ud);
  EXPECT_EQ(raised(addps, Cr0::ts), vector_nm);
  EXPECT_EQ(raised(addps, Cr0::em | Cr0::ts), vector_ud);
}

TEST(TranslateSse, MmxFollowsTheX87Unit) {
  const std::vector<uint8_t> paddb = {0x0f, 0xfc, 0xc1}, emms = {0x0f, 0x77};
  for (const auto& code : {paddb, emms}) {
    EXPECT_EQ(raised(code, 0, 0), none);
    EXPECT_EQ(raised(code, Cr0::em), vector_ud);
    EXPECT_EQ(raised(code, Cr0::ts), vector_nm);
    EXPECT_EQ(raised(code, Cr0::em | Cr0::ts), vector_ud);
  }
}

TEST(TranslateSse, Crc32NeedsNoneOfThat) { EXPECT_EQ(raised(crc32, Cr0::em | Cr0::ts, 0), none); }

TEST(TranslateSse, FormsThatDoNotExist) {
  EXPECT_EQ(raised({0x66, 0x0f, 0x12, 0xc1}), vector_ud);           // MOVLPD between registers
  EXPECT_EQ(raised({0x0f, 0x13, 0xc1}), vector_ud);                 // MOVLPS to a register
  EXPECT_EQ(raised({0x66, 0x0f, 0xe7, 0xc1}, Cr0::ts), vector_ud);  // MOVNTDQ to a register
  EXPECT_EQ(raised({0x66, 0x0f, 0xd7, 0x01}), vector_ud);           // PMOVMSKB from memory
  EXPECT_EQ(raised({0x66, 0x0f, 0x71, 0xc1, 0x01}), vector_ud);     // group 12 /0
  EXPECT_EQ(raised({0x66, 0x0f, 0x72, 0xf9, 0x01}), vector_ud);     // group 13 /7
  EXPECT_EQ(raised({0x66, 0x0f, 0x73, 0xe1, 0x01}), vector_ud);     // group 14 /4
  EXPECT_EQ(raised({0x0f, 0x73, 0xd9, 0x01}, Cr0::ts), vector_ud);  // PSRLDQ of an MMX register
  EXPECT_EQ(raised({0x0f, 0x6c, 0xc1}), vector_ud);                 // PUNPCKLQDQ of MMX registers
  EXPECT_EQ(raised({0xf3, 0x0f, 0x50, 0xc1}), vector_ud);           // MOVMSK with F3
}

}  // namespace
}  // namespace strata::isa::x86
