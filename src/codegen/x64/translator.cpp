// Translating units and running them.
#include "codegen/x64/translator.h"

#include "codegen/x64/compiler.h"
#include "codegen/x64/x64_code.h"

namespace strata::codegen::x64 {

std::unique_ptr<Code> Translator::compile(const ir::Unit& unit) {
  return Compiler(unit, host_, memory_, scratch_).run();
}

ir::RunResult Translator::run(const Code& code, ir::ExecContext& context) {
  const auto& translated = static_cast<const X64Code&>(code);
  context.jumps = jumps_.entries.data();
  return thunks_.enter(translated.span.run + translated.entry, context);
}

void Translator::set_jump(uint64_t pc, uint32_t mode, Code& code) {
  const auto& translated = static_cast<const X64Code&>(code);
  jumps_.entries[JumpTable::index(pc)] = {pc, mode, translated.span.run + translated.linked_entry, 0};
}

}  // namespace strata::codegen::x64
