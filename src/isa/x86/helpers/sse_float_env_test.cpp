// Exceptions that MXCSR does not mask: which are raised, when, and as what.
#include <gtest/gtest.h>

#include "isa/x86/cpu.h"
#include "isa/x86/helpers/sse.h"
#include "isa/x86/host_float.h"
#include "isa/x86/system/control_bits.h"

namespace strata::isa::x86 {
namespace {

constexpr uint32_t invalid = 1, overflow = 8, underflow = 16, inexact = 32;
constexpr uint32_t mask_of(uint32_t flag) { return flag << 7; }

class SseFloatEnv : public testing::Test {
 protected:
  SseFloatEnv() {
    cpu_.state = {};
    cpu_.state.cr4 = Cr4::osxmmexcpt;
    cpu_.context = &context_;
    context_.cpu = &cpu_;
  }

  /// One instruction that raises the flags, on a processor with that MXCSR. Gives the vector, or -1.
  int after(uint32_t mxcsr, uint32_t flags) {
    cpu_.state.mxcsr = mxcsr;
    cpu_.state.event = {};
    context_.leave = false;
    host_float::enter(mxcsr);
    call(helpers::float_begin);
    host_float::add_flags(flags);
    call(helpers::float_end);
    cpu_.state.mxcsr = host_float::leave(cpu_.state.mxcsr);
    EXPECT_EQ(context_.leave, cpu_.state.event.type == Event::exception);
    return context_.leave ? cpu_.state.event.vector : -1;
  }

  void call(const ir::Helper& helper) { reinterpret_cast<uint64_t (*)(ir::ExecContext&)>(helper.function)(context_); }

  Cpu cpu_;
  ir::ExecContext context_;
};

#if defined(__SSE2__)

TEST_F(SseFloatEnv, WhatIsMaskedIsCollected) {
  EXPECT_EQ(after(0x1f80 & ~mask_of(invalid), inexact), -1);
  EXPECT_EQ(cpu_.state.mxcsr & 0x3f, inexact);
}

TEST_F(SseFloatEnv, OldFlagsRaiseNothing) {
  EXPECT_EQ(after((0x1f80 & ~mask_of(invalid)) | invalid, 0), -1);
  EXPECT_EQ(cpu_.state.mxcsr & 0x3f, invalid);
}

TEST_F(SseFloatEnv, TheSameFlagAgainRaises) {
  EXPECT_EQ(after((0x1f80 & ~mask_of(invalid)) | invalid, invalid), vector_xm);
}

TEST_F(SseFloatEnv, WhatStopsBeforeComputingHidesTheRest) {
  EXPECT_EQ(after(0x1f80 & ~mask_of(invalid), invalid | overflow | inexact), vector_xm);
  EXPECT_EQ(cpu_.state.mxcsr & 0x3f, invalid);
}

TEST_F(SseFloatEnv, WithoutOsxmmexcptItIsUndefinedOpcode) {
  cpu_.state.cr4 = 0;
  EXPECT_EQ(after(0x1f80 & ~mask_of(overflow), overflow | inexact), vector_ud);
}

TEST_F(SseFloatEnv, TinyResultsUnderflowWhereThatIsUnmasked) {
  const auto look = [&](uint32_t mxcsr, ir::Vec128 result, uint64_t bits) {
    cpu_.state.mxcsr = mxcsr;
    host_float::enter(mxcsr);
    reinterpret_cast<uint64_t (*)(ir::ExecContext&, const ir::Vec128*, uint64_t)>(
        helpers::float_look_for_tiny.function)(context_, &result, bits);
    return (host_float::leave(mxcsr) & underflow) != 0;
  };
  const uint32_t unmasked = 0x1f80 & ~mask_of(underflow);
  EXPECT_TRUE(look(unmasked, {0x8000000100000000, 0}, 32));
  EXPECT_TRUE(look(unmasked, {0, 0x000fffffffffffff}, 64));
  EXPECT_FALSE(look(unmasked, {0x0080000080000000, 0x7f80000000000000}, 32));
  EXPECT_FALSE(look(unmasked, {0x8000000000000000, 0x0010000000000000}, 64));
  EXPECT_FALSE(look(0x1f80, {1, 1}, 64));
}

#endif

}  // namespace
}  // namespace strata::isa::x86
