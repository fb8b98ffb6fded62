// The supervisor's loop, and the turns of a container's life.
#include "container/supervisor/supervisor.h"

#include "container/container.h"
#include "container/files.h"
#include "container/supervisor/clients.h"
#include "container/supervisor/health.h"
#include "container/supervisor/log_file.h"
#include "container/supervisor/plan.h"
#include "container/supervisor/runtime_process.h"
#include "container/supervisor/status_file.h"
#include "container/supervisor/stdio.h"
#include "container/utc_time.h"

#include <malloc.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <utility>

namespace strata::container {
namespace {

using namespace std::chrono_literals;

// How long the end waits for clients that do not take what the program printed last.
constexpr auto last_words_patience = 10s;

constexpr const char* pid_name = "pid";  // in the working directory, the running folder
constexpr const char* error_name = "error";

class Supervisor {
 public:
  Supervisor(SupervisorStart start, SupervisorPlan plan)
      : bundle_(std::move(start.bundle)),
        lock_(std::move(start.lock)),
        plan_(std::move(plan)),
        log_(bundle_ + "/log", plan_.log_bytes, plan_.log_files),
        health_(plan_.name, plan_.folder, bundle_, lock_.get()) {
    clients_.add(std::move(start.client), start.attached);
  }

  Result<void> prepare();
  void run();

 private:
  // starting: the runtime makes it. running. draining: the program has ended, what it printed is on the way. deleting:
  // what is left of it is removed. waiting: for the next start. finished.
  enum class Phase { starting, running, draining, deleting, waiting, finished };

  void start();
  void wait_for_events();
  [[nodiscard]] int time_to_wait() const;
  void act_on_time();
  void take_signals();
  void reap();
  void runtime_ended(int code);
  void start_succeeded();
  void start_failed();
  void program_ended(int code);
  void pass_output(bool error_output);
  void drain();
  void remove_remains();
  void what_next();
  void hear(SupervisorClient& client, Ask ask, std::string_view body);
  void request_stop(int seconds);
  void reload();
  void say_farewell();
  void become_remover();
  void save() { (void)write_status(bundle_, status_); }

  std::string bundle_;
  UniqueFd lock_, signals_;
  SupervisorPlan plan_;
  LogFile log_;
  HealthMonitor health_;
  SupervisorClients clients_;
  ProgramStdio stdio_;
  ContainerStatus status_;
  Phase phase_ = Phase::starting;
  pid_t runtime_ = 0;                         // at work to start or delete the container
  pid_t program_ = 0;                         // the container's first process
  std::vector<std::pair<pid_t, int>> early_;  // children that ended while the runtime was starting
  std::vector<pollfd> polls_;
  Clock::time_point started_;
  std::optional<Clock::time_point> kill_at_, limit_at_,
      next_at_;  // by phase: SIGKILL, the timeout, what waits for time
  unsigned starts_in_a_row_ = 0;
  bool ever_started_ = false, stop_requested_ = false, timed_out_ = false;
};

Result<void> Supervisor::prepare() {
  if (::chdir(plan_.folder.c_str()) != 0) return fail_errno("{}", plan_.folder);
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) return fail_errno("becoming the parent of the container's processes");
  sigset_t watched;
  ::sigemptyset(&watched);
  for (const int number : {SIGCHLD, SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&watched, number);
  ::sigprocmask(SIG_BLOCK, &watched, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  signals_.reset(::signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_) return fail_errno("signalfd");
  return clients_.listen();
}

void Supervisor::run() {
  if (plan_.timeout) limit_at_ = Clock::now() + *plan_.timeout;
  start();
  while (phase_ != Phase::finished) {
    wait_for_events();
    act_on_time();
    if (phase_ == Phase::draining) drain();
  }
  say_farewell();
  std::error_code error;
  std::filesystem::remove_all(plan_.folder, error);
  if (!plan_.remover.empty() && !clients_.any_attached()) become_remover();
}

void Supervisor::start() {
  phase_ = Phase::starting;
  early_.clear();
  ::unlink(pid_name);
  ::unlink(error_name);
  ::unlink(hook_error_name);
  auto stdio = ProgramStdio::make(plan_.terminal, plan_.input);
  if (stdio) {
    stdio_ = std::move(*stdio);
    std::vector<std::string> words = {
        "--root", plan_.folder + "/oci", "--log", error_name, "run", "--detach", "--bundle",
        bundle_,  "--pid-file",          pid_name};
    if (plan_.terminal) words.insert(words.end(), {"--console-socket", "console"});
    words.push_back(plan_.name);
    if (const auto runtime = spawn_runtime(words, &stdio_, lock_.get())) runtime_ = *runtime;
  }
  stdio_.forget_program_ends();
  if (runtime_ == 0) start_failed();
}

void Supervisor::wait_for_events() {
  const bool settled = phase_ != Phase::starting;  // until then, what comes may be the runtime's own complaint
  const bool read = settled && !clients_.behind();
  polls_.clear();
  clients_.add_polls(polls_, !stdio_.input_waits());
  const auto wait_for = [&](int fd, short events) {
    if (fd >= 0) polls_.push_back({.fd = fd, .events = events, .revents = 0});
  };
  wait_for(signals_.get(), POLLIN);
  if (stdio_.awaited() >= 0) wait_for(stdio_.awaited(), POLLIN);
  if (read) wait_for(stdio_.output(), POLLIN);
  if (read) wait_for(stdio_.error_output(), POLLIN);
  if (stdio_.input_waits()) wait_for(stdio_.input(), POLLOUT);
  if (::poll(polls_.data(), polls_.size(), time_to_wait()) <= 0) return;

  const auto ready = polls_;
  for (const auto& one : ready) {
    if (one.revents == 0) continue;
    if (one.fd == signals_.get()) take_signals();
    else if (one.fd == stdio_.awaited()) (void)stdio_.take_terminal();
    else if (read && one.fd == stdio_.error_output()) pass_output(true);
    else if (read && one.fd == stdio_.output() && (one.revents & ~POLLOUT)) pass_output(false);
    if (stdio_.input_waits() && one.fd == stdio_.input()) stdio_.flush_input();
  }
  clients_.attend(ready, [&](SupervisorClient& client, Ask ask, std::string_view body) { hear(client, ask, body); });
}

int Supervisor::time_to_wait() const {
  // While draining there is nothing to wait for but slow clients.
  if (phase_ == Phase::draining && !clients_.behind()) return 0;
  std::optional<Clock::time_point> first = health_.due();
  for (const auto& one : {kill_at_, limit_at_, next_at_})
    if (one && (!first || *one < *first)) first = one;
  if (!first) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*first - Clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 3'600'000));
}

void Supervisor::act_on_time() {
  const auto now = Clock::now();
  const auto due = [&](std::optional<Clock::time_point>& when) {
    if (!when || now < *when) return false;
    when.reset();
    return true;
  };
  if (due(kill_at_) && program_) ::kill(program_, SIGKILL);
  if (due(limit_at_) && phase_ < Phase::draining) {
    timed_out_ = true;
    request_stop(-1);
  }
  if (due(next_at_)) {
    if (phase_ == Phase::waiting) start();
    else clients_.drop_slow();
  }
  if (phase_ != Phase::running) return;
  const auto before = std::pair(health_.state(), health_.failures());
  health_.tick();
  if (before != std::pair(health_.state(), health_.failures())) save();
}

void Supervisor::take_signals() {
  signalfd_siginfo info;
  while (::read(signals_.get(), &info, sizeof info) == sizeof info)
    if (info.ssi_signo != SIGCHLD) request_stop(-1);
  reap();
}

void Supervisor::reap() {
  int status = 0;
  for (pid_t child; (child = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    const int code = exit_code_of(status);
    if (child == runtime_) {
      runtime_ = 0;
      runtime_ended(code);
    } else if (child == program_) {
      program_ended(code);
    } else if (health_.ended(child, code)) {
      status_.health = health_.state();
      status_.health_failures = health_.failures();
      save();
    } else if (phase_ == Phase::starting) {
      early_.emplace_back(child, code);
    }
  }
}

void Supervisor::runtime_ended(int code) {
  if (phase_ == Phase::deleting) return what_next();
  if (phase_ != Phase::starting) return;
  const auto text = read_file(pid_name);
  if (text) program_ = std::atoi(text->c_str());
  if (code == 0 && program_ > 0) start_succeeded();
  else start_failed();
}

void Supervisor::start_succeeded() {
  phase_ = Phase::running;
  ever_started_ = true;
  started_ = Clock::now();
  health_.begin(plan_.health);
  status_ = {.state = "running",
             .pid = program_,
             .started = utc_now(),
             .finished = {},
             .restarts = status_.restarts,
             .error = {},
             .health = health_.state()};
  save();
  clients_.tell_started();
  ::malloc_trim(0);
  for (const auto& [child, code] : early_)
    if (child == program_) return program_ended(code);
}

void Supervisor::start_failed() {
  program_ = 0;
  stdio_ = {};
  status_.error = "the runtime was ended";
  if (const auto said = read_file(error_name)) {
    // The last line, behind its time.
    constexpr std::string_view mark = " error: ";
    const std::size_t at = said->rfind(mark);
    if (at != std::string::npos)
      status_.error = said->substr(at + mark.size(), said->find('\n', at) - at - mark.size());
  }
  if (const auto said = read_file(hook_error_name)) status_.error = *said;
  status_.exit_code = 1;
  status_.finished = utc_now();
  remove_remains();
}

void Supervisor::program_ended(int code) {
  program_ = 0;
  kill_at_.reset();
  health_.end();
  status_.exit_code = timed_out_ ? timed_out_code : code;
  status_.finished = utc_now();
  phase_ = Phase::draining;
  next_at_ = Clock::now() + last_words_patience;
}

void Supervisor::pass_output(bool error_output) {
  const auto bytes = stdio_.read(error_output);
  if (bytes.empty()) return;
  log_.write(error_output ? "stderr" : "stdout", bytes);
  clients_.tell_output(error_output ? Tell::error_output : Tell::output, bytes);
}

// All processes are gone, so what is not there now will not come.
void Supervisor::drain() {
  for (const bool error_output : {true, false})
    while (!clients_.behind()) {
      const auto bytes = stdio_.read(error_output);
      if (bytes.empty()) break;
      log_.write(error_output ? "stderr" : "stdout", bytes);
      clients_.tell_output(error_output ? Tell::error_output : Tell::output, bytes);
    }
  if (clients_.behind()) return;
  next_at_.reset();
  stdio_ = {};
  remove_remains();
}

// In a child, as a copy of this process: it enters no container.
void Supervisor::remove_remains() {
  phase_ = Phase::deleting;
  runtime_ = ::fork();
  if (runtime_ == 0) {
    const auto removed = container::remove({.root = plan_.folder + "/oci"}, plan_.name, /*force=*/true);
    ::_exit(removed ? 0 : 1);
  }
  if (runtime_ < 0) what_next();
}

void Supervisor::what_next() {
  if (ever_started_ && Clock::now() - started_ > settled_after) starts_in_a_row_ = 0;
  if (!ever_started_ || stop_requested_ || !plan_.restart.again(status_.exit_code, starts_in_a_row_)) {
    phase_ = Phase::finished;
    return;
  }
  phase_ = Phase::waiting;
  next_at_ = Clock::now() + restart_delay(starts_in_a_row_++);
  ++status_.restarts;
  status_.state = "restarting";
  status_.pid = 0;
  save();
}

void Supervisor::hear(SupervisorClient& client, Ask ask, std::string_view body) {
  switch (ask) {
    case Ask::attach: client.attached = true; [[fallthrough]];
    case Ask::wait: client.wants_end = true; return;
    case Ask::input: return stdio_.write(body);
    case Ask::end_of_input: return stdio_.end_input();
    case Ask::resize:
      if (TerminalSize size; body.size() == sizeof size) {
        std::memcpy(&size, body.data(), sizeof size);
        stdio_.resize(size);
      }
      return;
    case Ask::signal:
      if (program_) ::kill(program_, number_in(body));
      else request_stop(0);
      return;
    case Ask::stop: client.wants_end = true; return request_stop(number_in(body));
    case Ask::reload: reload(); return clients_.tell(client, Tell::done);
  }
}

void Supervisor::request_stop(int seconds) {
  stop_requested_ = true;
  status_.stopped_by_user = !timed_out_;
  if (phase_ == Phase::waiting) {
    next_at_.reset();
    phase_ = Phase::finished;
  }
  if (phase_ == Phase::starting && runtime_ > 0) ::kill(runtime_, SIGKILL);
  if (!program_) return;
  const auto patience = seconds < 0 ? plan_.stop_timeout : Seconds(seconds);
  ::kill(program_, patience.count() == 0 ? SIGKILL : plan_.stop_signal);
  kill_at_ = Clock::now() + patience;
}

void Supervisor::reload() {
  const auto fresh = read_plan(bundle_);
  if (!fresh) return;
  plan_ = *fresh;
  log_.set_limits(plan_.log_bytes, plan_.log_files);
}

void Supervisor::say_farewell() {
  status_.state = "stopped";
  status_.pid = 0;
  save();
  if (ever_started_) clients_.tell_ended(status_.exit_code);
  else clients_.tell_failed(status_.error);
  const auto deadline = Clock::now() + last_words_patience;
  while (clients_.behind() && Clock::now() < deadline) {
    polls_.clear();
    clients_.add_polls(polls_, false);
    (void)::poll(polls_.data(), polls_.size(), 1000);
    clients_.attend(polls_, [](SupervisorClient&, Ask, std::string_view) {});
  }
}

// Its lock closes with the exec, so that the container is free to be removed.
void Supervisor::become_remover() {
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  (void)::chdir("/");
  ::execl(plan_.remover.c_str(), "strata", "rm", "--force", "--", plan_.name.c_str(), nullptr);
}

}  // namespace

Result<void> supervise(SupervisorStart start) {
  SupervisorPlan plan = STRATA_TRY(read_plan(start.bundle));
  Supervisor supervisor(std::move(start), std::move(plan));
  STRATA_TRY(supervisor.prepare());
  supervisor.run();
  return {};
}

}  // namespace strata::container
