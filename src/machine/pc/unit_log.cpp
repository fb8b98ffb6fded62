// The log in the order of making.
#include "machine/pc/unit_log.h"

namespace strata::machine::pc {

void UnitLog::compiled(const isa::CodeKey& key, const ir::Unit& unit, const codegen::Code& code) {
  if (!on_) return;
  printer_.compiled(key, unit, code);
  units_.push_back({key.address, unit.guest_bytes, std::move(printed_)});
}

std::string UnitLog::holding(uint64_t address) const {
  for (auto unit = units_.rbegin(); unit != units_.rend(); ++unit)
    if (address - unit->address < unit->bytes) return unit->text;
  return {};
}

}  // namespace strata::machine::pc
