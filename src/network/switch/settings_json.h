// Settings and edits in the control protocol: {"vlan":["10"],"qinq":["true"]}.
#pragma once

#include "network/switch/configuration.h"
#include "network/switch/control_message.h"

namespace strata::network {

[[nodiscard]] Json settings_to_json(const Settings& settings);
[[nodiscard]] Result<Settings> settings_from_json(const Json& request, const char* key);

[[nodiscard]] Json edit_to_json(const Edit& edit);
[[nodiscard]] Result<Edit> edit_from_json(const Json& json);

}  // namespace strata::network
