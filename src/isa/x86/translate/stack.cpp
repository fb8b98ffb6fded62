// The stack group: no instruction of it is known yet.
#include "isa/x86/translate/groups.h"

namespace strata::isa::x86 {

bool translate_stack(Translator&) { return false; }

}  // namespace strata::isa::x86
