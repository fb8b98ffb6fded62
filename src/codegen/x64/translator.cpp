// Translating units and running them.
#include "codegen/x64/translator.h"

#include "codegen/x64/x64_code.h"

namespace strata::codegen::x64 {

const Thunks& Translator::thunks_for(const ir::StateLayout& layout) {
  const Homes homes(layout);
  for (const auto& known : thunks_)
    if (known->homes() == homes) return *known;
  return *thunks_.emplace_back(std::make_unique<Thunks>(memory_, homes));
}

std::unique_ptr<Code> Translator::compile(const ir::Unit& unit) {
  return Compiler(unit, host_, memory_, thunks_for(*unit.layout), *workspace_).run();
}

ir::RunResult Translator::run(const Code& code, ir::ExecContext& context) {
  const auto& translated = static_cast<const X64Code&>(code);
  context.jumps = jumps_.entries.data();
  return translated.thunks->enter(translated.span.run + translated.entry, context);
}

void Translator::set_jump(uint64_t pc, uint32_t mode, Code& code) {
  const auto& translated = static_cast<const X64Code&>(code);
  jumps_.entries[JumpTable::index(pc)] = {pc, mode, translated.span.run + translated.linked_entry, &translated};
}

void Translator::forget_jumps() {
  for (JumpTable::Entry& entry : jumps_.entries)
    if (entry.code != nullptr && entry.code->invalid) entry = {};
}

}  // namespace strata::codegen::x64
