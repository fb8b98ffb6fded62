// The x87 environment in real mode, which hosts do not run: where its pointers stand (SDM vol. 1, figures 8-11, 8-12).
#include <gtest/gtest.h>

#include <memory>

#include "isa/x86/fpu/x87_helpers.h"
#include "isa/x86/lockstep/flat_host_test.h"

namespace strata::isa::x86 {
namespace {

struct X87Environment : testing::Test {
  X87Environment() {
    host.cpu = cpu.get();
    cpu->host = &host;
    cpu->context = &context;
    context.cpu = cpu.get();
    X87& x = cpu->state.x87;
    x = {};
    x.control = 0x37f;
    x.status = 3 << 11;
    x.opcode = 0x5ab;
    x.insn_pointer = 0x6789;
    x.insn_selector = 0xb000;
    x.data_pointer = 0xc4321;  // linear
  }

  void call(const ir::Helper& helper, uint64_t address, unsigned bits) {
    constexpr uint64_t real = 1;
    using Function = uint64_t (*)(ir::ExecContext&, uint64_t, uint64_t, uint64_t);
    reinterpret_cast<Function>(helper.function)(context, address, bits, real);
  }

  template <class T>
  T at(uint64_t address) const {
    T value;
    std::memcpy(&value, host.memory.data() + address, sizeof value);
    return value;
  }

  lockstep::FlatHost host{0x1000};
  std::unique_ptr<Cpu> cpu = std::make_unique<Cpu>();
  ir::ExecContext context;
};

TEST_F(X87Environment, SixteenBits) {
  call(helpers::fnstenv, 0x100, 16);
  EXPECT_EQ(at<uint16_t>(0x100), 0x37f);
  EXPECT_EQ(at<uint16_t>(0x102), 3 << 11);
  EXPECT_EQ(at<uint16_t>(0x104), 0xffff);  // all empty
  EXPECT_EQ(at<uint16_t>(0x106), 0x6789);
  EXPECT_EQ(at<uint16_t>(0x108), 0xb5ab);
  EXPECT_EQ(at<uint16_t>(0x10a), 0x4321);
  EXPECT_EQ(at<uint16_t>(0x10c), 0xc000);
}

TEST_F(X87Environment, ThirtyTwoBits) {
  cpu->state.x87.data_pointer = 0x12c4321;
  call(helpers::fnstenv, 0x100, 32);
  EXPECT_EQ(at<uint16_t>(0x10c), 0x6789);
  EXPECT_EQ(at<uint32_t>(0x110), 0xb5abu);
  EXPECT_EQ(at<uint16_t>(0x114), 0x4321);
  EXPECT_EQ(at<uint32_t>(0x118) & 0xfffffff, 0x12c000u);
}

TEST_F(X87Environment, ComesBackAsItWas) {
  for (const unsigned bits : {16, 32}) {
    call(helpers::fnstenv, 0x100, bits);
    cpu->state.x87 = {};
    call(helpers::fldenv, 0x100, bits);
    EXPECT_EQ(cpu->state.x87.insn_pointer, 0xb6789u);
    EXPECT_EQ(cpu->state.x87.data_pointer, 0xc4321u);
    EXPECT_EQ(cpu->state.x87.opcode, 0x5ab);
    call(helpers::fnstenv, 0x200, bits);
    for (unsigned i = 2; i < 7 * bits / 8; ++i)
      EXPECT_EQ(host.memory[0x100 + i], host.memory[0x200 + i]) << "byte " << i << ", " << bits << " bits";
  }
}

}  // namespace
}  // namespace strata::isa::x86
