// Fuzz: configurations of networks as TOML; what is taken comes back as it was, whatever it says.
#include <cstdlib>

#include "network/switch/plan.h"

using namespace strata::network;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto configuration = parse_configuration(text, "fuzz");
  if (!configuration) return 0;
  const auto again = parse_configuration(to_toml(*configuration), "again");
  if (!again || *again != *configuration || !difference(*configuration, *again).empty()) abort();
  static_cast<void>(make_plan(*configuration));
  return 0;
}
