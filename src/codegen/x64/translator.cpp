// Translating units and running them.
#include "codegen/x64/translator.h"

#include "base/assert.h"
#include "codegen/x64/x64_code.h"

namespace strata::codegen::x64 {

namespace {

class X64Runner final : public Runner {
 public:
  explicit X64Runner(AllJumps& all) : jumps_(all) {}

  ir::RunResult run(const Code& code, ir::ExecContext& context) override {
    const auto& translated = static_cast<const X64Code&>(code);
    translated.begin(context.state);
    const std::byte* entry = translated.span.run + translated.entry;
    if (!JumpTables::has(translated.mode)) return translated.thunks->enter(entry, context, translated.data_space);
    JumpTable& jumps = jumps_.begin(translated.mode);
    context.jumps = jumps.entries();
    context.returns = jumps.returns.top;
    const ir::RunResult result = translated.thunks->enter(entry, context, translated.data_space);
    jumps.returns.top = context.returns;
    return result;
  }

  void forget_returns() override { jumps_.forget_returns(); }

  void set_jump(uint64_t pc, Code& code) override {
    auto& to = static_cast<X64Code&>(code);
    if (JumpTables::has(to.mode)) jumps_.of(to.mode).set(pc, to);
  }

 private:
  JumpTables jumps_;
};

}  // namespace

const Thunks& Translator::thunks_for(const ir::StateLayout& layout) {
  for (const auto& [known, thunks] : thunks_)
    if (known == &layout) return *thunks;
  return *thunks_.emplace_back(&layout, std::make_unique<Thunks>(memory_, jumps_, Homes(layout))).second;
}

std::unique_ptr<Code> Translator::compile(const ir::Unit& unit) {
  return Compiler(unit, host_, sharing_, thunks_for(*unit.layout), *workspace_).run();
}

std::unique_ptr<Runner> Translator::make_runner() {
  STRATA_ASSERT(sharing_ == Sharing::several || jumps_.runners() == 0, "code that one runs has got several runners");
  return std::make_unique<X64Runner>(jumps_);
}

}  // namespace strata::codegen::x64
