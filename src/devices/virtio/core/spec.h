// Names and numbers of the virtio specification 1.2 that all its devices share.
#pragma once

#include <cstdint>

namespace strata::devices::virtio {

/// Section 5.
enum class DeviceType : uint16_t { net = 1, block = 2, console = 3, rng = 4 };

/// Bits of the device status (2.1).
enum Status : uint8_t {
  acknowledge = 1,
  driver = 2,
  driver_ok = 4,
  features_ok = 8,
  needs_reset = 64,
  failed = 128,
};

/// Bits of the features that belong to no kind of device (6).
enum Feature : unsigned {
  feature_indirect_desc = 28,
  feature_event_idx = 29,
  feature_version_1 = 32,
};

constexpr uint64_t feature_bit(unsigned feature) { return uint64_t{1} << feature; }

/// Bits of a descriptor's flags (2.7.5).
enum DescriptorFlag : uint16_t { has_next = 1, device_writes = 2, is_indirect = 4 };

inline constexpr uint16_t no_interrupt = 1;  ///< the available ring's flags (2.7.7)

inline constexpr uint16_t max_queue_size = 1024;

}  // namespace strata::devices::virtio
