// A source of random bytes.
#pragma once

#include <cstddef>
#include <span>

namespace strata::iface {

class Entropy {
 public:
  virtual ~Entropy() = default;
  virtual void fill(std::span<std::byte> out) = 0;
};

}  // namespace strata::iface
