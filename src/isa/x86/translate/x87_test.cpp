// x87 instructions on processors that may not run them, and in forms that do not exist.
#include <gtest/gtest.h>

#include <initializer_list>
#include <vector>

#include "isa/x86/translate/raised_test.h"

namespace strata::isa::x86 {
namespace {

const std::vector<uint8_t> fadd = {0xd8, 0xc1}, fld = {0xdd, 0x00}, fnstsw = {0xdf, 0xe0}, wait = {0x9b};

TEST(TranslateX87, NotAvailableWhileSwitchedOrEmulated) {
  for (const auto& code : {fadd, fld, fnstsw}) {
    EXPECT_EQ(raised(code), none);
    EXPECT_EQ(raised(code, 0, 0), none);  // whatever CR4 says of SSE
    EXPECT_EQ(raised(code, Cr0::ts), vector_nm);
    EXPECT_EQ(raised(code, Cr0::em), vector_nm);
  }
}

TEST(TranslateX87, WaitLooksAtTaskSwitchesWhereItIsMonitored) {
  EXPECT_EQ(raised(wait), none);
  EXPECT_EQ(raised(wait, Cr0::ts), none);
  EXPECT_EQ(raised(wait, Cr0::mp), none);
  EXPECT_EQ(raised(wait, Cr0::mp | Cr0::ts), vector_nm);
  EXPECT_EQ(raised(wait, Cr0::em), none);
}

TEST(TranslateX87, FormsThatDoNotExist) {
  for (const std::vector<uint8_t>& code : std::initializer_list<std::vector<uint8_t>>{{0xd9, 0x08},
                                                                                      {0xdb, 0x20},
                                                                                      {0xdb, 0x30},
                                                                                      {0xdd, 0x28},
                                                                                      {0xd9, 0xd1},
                                                                                      {0xd9, 0xef},
                                                                                      {0xda, 0xe8},
                                                                                      {0xdb, 0xe5},
                                                                                      {0xdb, 0xf8},
                                                                                      {0xdd, 0xf0},
                                                                                      {0xde, 0xd8},
                                                                                      {0xdf, 0xe1},
                                                                                      {0xdf, 0xf8}})
    EXPECT_EQ(raised(code), vector_ud) << std::hex << int{code[0]} << ' ' << int{code[1]};
}

/// Only with CR0.NE do waiting exceptions raise #MF: else nothing in the unit's code may.
TEST(TranslateX87, WaitingExceptionsFaultWhereTheyAreTold) {
  EXPECT_TRUE(may_raise(wait, vector_mf, Cr0::ne));
  EXPECT_FALSE(may_raise(wait, vector_mf));
  EXPECT_TRUE(may_raise(fld, vector_mf, Cr0::ne));
  EXPECT_FALSE(may_raise(fnstsw, vector_mf, Cr0::ne));
}

}  // namespace
}  // namespace strata::isa::x86
