// A serial console: bytes to a terminal and back.
#pragma once

#include <cstddef>
#include <functional>
#include <span>

namespace strata::iface {

/// With the device lock held, both ways.
class Console {
 public:
  virtual ~Console() = default;
  /// What the guest prints. Never blocks for long.
  virtual void write(std::span<const std::byte> bytes) = 0;
  /// Up to out.size() typed bytes; the number taken.
  virtual size_t read(std::span<std::byte> out) = 0;
  /// Called when bytes have come that read() would give.
  virtual void on_input(std::function<void()> callback) = 0;
};

}  // namespace strata::iface
