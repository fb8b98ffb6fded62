// Retries: how often and after how long a request to a registry is tried again.
#pragma once

#include "base/result.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

namespace strata::image {

class Retries {
 public:
  // `limit` tries after the first one; waiting ends when one of `cancel_fds` becomes readable.
  Retries(int limit, std::vector<int> cancel_fds) : limit_(limit), cancel_fds_(std::move(cancel_fds)) {}

  // After a failure that may pass: waits, longer each time, or for as long as the server asks. An error when that was
  // enough: `why`, how often it was tried; or `cancelled`.
  [[nodiscard]] Result<void> wait(Error why, std::optional<std::chrono::seconds> asked = {});

  // Bytes have arrived. Whoever sends a megabyte between two failures may fail again as often.
  void progressed(std::uint64_t bytes);

 private:
  int limit_;
  std::vector<int> cancel_fds_;
  int count_ = 0;
  std::uint64_t progress_ = 0;  // since the last failure
};

}  // namespace strata::image
