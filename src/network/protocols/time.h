// Time as the protocols of this folder are told it: the bridge's, as they have no clock of their own.
#pragma once

#include "network/bridge/time.h"

namespace strata::network::protocols {

using bridge::never;
using bridge::Time;

}  // namespace strata::network::protocols
