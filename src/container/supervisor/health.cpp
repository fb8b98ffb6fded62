// Health checks.
#include "container/supervisor/health.h"

#include "container/container.h"
#include "container/files.h"
#include "container/supervisor/runtime_process.h"

#include <signal.h>
#include <unistd.h>

#include <cstdlib>

namespace strata::container {
namespace {
constexpr const char* pid_name = "health.pid";  // in the working directory, the running folder
}

void HealthMonitor::begin(const std::optional<HealthCheck>& check) {
  check_ = check;
  state_ = check ? "starting" : "";
  failures_ = 0;
  begun_ = Clock::now();
  if (check) next_ = begun_ + check->interval;
}

void HealthMonitor::end() {
  if (running_) stop_check();
  check_.reset();
}

std::optional<Clock::time_point> HealthMonitor::due() const {
  if (!check_ || (running_ && stopped_)) return std::nullopt;
  return next_;
}

void HealthMonitor::tick() {
  if (!check_ || Clock::now() < next_) return;
  if (running_) stop_check();
  else start_check();
}

void HealthMonitor::start_check() {
  next_ = Clock::now() + check_->interval;
  if (is_paused()) return;
  ::unlink(pid_name);
  const auto started = spawn_runtime(
      {"--root", folder_ + "/oci", "exec", "--process", bundle_ + "/health.json", "--pid-file", pid_name, name_},
      nullptr, lock_);
  if (!started) return;
  running_ = *started;
  stopped_ = false;
  next_ = Clock::now() + check_->timeout;
}

// The process inside is the runtime's child, which tells us of its end; until then its number is no other's.
void HealthMonitor::stop_check() {
  const auto text = read_file(pid_name);
  const pid_t inside = text ? std::atoi(text->c_str()) : 0;
  ::kill(inside > 0 ? inside : running_, SIGKILL);
  stopped_ = true;
}

bool HealthMonitor::is_paused() const {
  // In a child: what reading the state takes of memory is not ours for long.
  const pid_t child = ::fork();
  if (child == 0) {
    const auto found = container::state({.root = folder_ + "/oci"}, name_);
    ::_exit(found && found->find("\"paused\"") != std::string::npos ? 0 : 1);
  }
  return child > 0 && exit_code_of(wait_for_child(child)) == 0;
}

bool HealthMonitor::ended(pid_t process, int exit_code) {
  if (process != running_ || process == 0) return false;
  running_ = 0;
  if (!check_) return true;
  next_ = Clock::now() + check_->interval;
  if (exit_code == 0 && !stopped_) {
    state_ = "healthy";
    failures_ = 0;
    return true;
  }
  if (state_ == "starting" && Clock::now() < begun_ + check_->start_period) return true;
  if (++failures_ >= check_->retries) state_ = "unhealthy";
  return true;
}

}  // namespace strata::container
