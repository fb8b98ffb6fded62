// The DSDT of this PC: what systems cannot find out by looking, in AML.
#pragma once

#include "machine/pc/acpi/aml.h"

namespace strata::machine::pc::acpi {

/// Terms only, without the table's header.
aml::Code make_dsdt(unsigned cpus);

}  // namespace strata::machine::pc::acpi
