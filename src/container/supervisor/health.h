// HealthMonitor: runs a container's health check when it is due, and knows what came of it.
#pragma once

#include "container/supervisor/plan.h"

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>

namespace strata::container {

using Clock = std::chrono::steady_clock;

class HealthMonitor {
 public:
  /// `folder` is the container's running folder, `bundle` has health.json.
  HealthMonitor(std::string name, std::string folder, std::string bundle, int lock)
      : name_(std::move(name)), folder_(std::move(folder)), bundle_(std::move(bundle)), lock_(lock) {}

  /// The program has started.
  void begin(const std::optional<HealthCheck>& check);
  /// The program has ended: a check that runs is ended with it.
  void end();
  /// Starts or stops a check where it is time.
  void tick();
  /// When tick() is to be called next.
  [[nodiscard]] std::optional<Clock::time_point> due() const;
  /// A child has ended. Gives true if it was ours.
  [[nodiscard]] bool ended(pid_t process, int exit_code);

  /// starting, healthy, unhealthy; empty without a check.
  [[nodiscard]] const std::string& state() const { return state_; }
  [[nodiscard]] unsigned failures() const { return failures_; }

 private:
  void start_check();
  void stop_check();
  [[nodiscard]] bool is_paused() const;

  std::string name_, folder_, bundle_;
  int lock_;
  std::optional<HealthCheck> check_;
  Clock::time_point begun_, next_;
  pid_t running_ = 0;  // the runtime that waits for the check
  bool stopped_ = false;
  std::string state_;
  unsigned failures_ = 0;
};

}  // namespace strata::container
