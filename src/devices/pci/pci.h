// The PCI bus and the base class of what sits on it: include this to write a PCI device.
#pragma once

#include "devices/pci/pci_bus.h"     // IWYU pragma: export
#include "devices/pci/pci_config.h"  // IWYU pragma: export
#include "devices/pci/pci_device.h"  // IWYU pragma: export
