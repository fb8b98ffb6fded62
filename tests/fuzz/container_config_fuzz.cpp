// Fuzz target: config.json, as a bundle of anybody's may hold it.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "container/rootfs/mount_options.h"
#include "container/spec/read_spec.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto spec = strata::container::read_spec(text))
    for (const auto& mount : spec->mounts) (void)strata::container::sort_mount_options(mount.options);
  (void)strata::container::read_process(text);
  (void)strata::container::read_resources(text);
  return 0;
}
