// stop, kill, pause, rm, start, attach, wait.
#include "control/running_commands.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <thread>

#include "control/container_client.h"
#include "control/run_container.h"

namespace strata::control {
namespace {

using container::Ask;

constexpr size_t most_workers = 16;

/// Does it for each name, several at a time. Errors are printed as they come; the first one's kind is the exit code.
Result<int> for_each(const Names& names, const std::function<Result<void>(const std::string&)>& action) {
  if (names.size() == 1) return action(names[0]).map([] { return 0; });
  std::atomic<size_t> next = 0;
  std::mutex mutex;
  int code = 0;
  const auto work = [&] {
    for (size_t i = next++; i < names.size(); i = next++) {
      const auto done = action(names[i]);
      if (done) continue;
      const std::lock_guard lock(mutex);
      fmt::print(stderr, "strata: {}\n", done.error().message);
      if (code == 0) code = static_cast<int>(exit_code_of(done.error()));
    }
  };
  std::vector<std::jthread> workers;
  for (size_t i = 0; i < std::min(most_workers, names.size()); ++i) workers.emplace_back(work);
  workers.clear();
  return code;
}

/// The exit code, when nobody looks after the container any more.
Result<int> code_at_the_end(const ContainerPlaces& places) {
  constexpr auto pause = std::chrono::milliseconds(5);
  // A supervisor that says nothing more is about to be gone.
  for (int i = 0; i < 2000 && is_looked_after(places); ++i) std::this_thread::sleep_for(pause);
  const auto status = STRATA_TRY(container::read_status(places.folder.string()));
  if (status.state == "created")
    return fail(ErrorCode::usage, "container '{0}' was never started: 'strata start {0}' starts it", places.name);
  if (status.state != "stopped")
    return fail(
        "the supervisor of container '{0}' was killed: 'strata start {0}' starts it again, 'strata rm --force {0}' "
        "removes it",
        places.name);
  return status.exit_code;
}

/// Asks the supervisor for what ends with the container's end, and waits for that. Gives the exit code.
Result<int> await_end(const ContainerPlaces& places, Ask ask, std::string_view body) {
  if (auto client = ContainerClient::connect(places); client && client->ask(ask, body)) {
    if (ask == Ask::stop)
      (void)container::set_paused(places.runtime(), places.name, false);  // a paused one hears no signal
    if (const auto code = client->wait_for_end()) {
      client->wait_until_gone(places);
      return code;
    }
  }
  return code_at_the_end(places);
}

Result<void> stop_one(const std::string& name, std::optional<int> timeout) {
  const ContainerPlaces places = STRATA_TRY(find_container(name));
  if (!is_looked_after(places)) return {};  // it is as it is to be
  const std::string packet = container::packet_of(Ask::stop, timeout.value_or(-1));
  return await_end(places, Ask::stop, std::string_view(packet).substr(1)).map([](int) {});
}

Result<ContainerPlaces> find_running(const std::string& name) {
  auto places = STRATA_TRY(find_container(name));
  if (!is_looked_after(places))
    return fail(ErrorCode::not_found, "container '{0}' is not running: 'strata start {0}' starts it", name);
  return places;
}

}  // namespace

Result<int> stop_running(const Names& names, std::optional<int> timeout) {
  return for_each(names, [&](const std::string& name) { return stop_one(name, timeout); });
}

Result<int> kill_running(const Names& names, const std::string& signal) {
  const int number = STRATA_TRY(parse_signal("--signal", signal));
  return for_each(names, [&](const std::string& name) -> Result<void> {
    const auto places = STRATA_TRY(find_running(name));
    return container::kill(places.runtime(), name, number, /*all=*/false);
  });
}

Result<int> pause_running(const Names& names, bool pause) {
  return for_each(names, [&](const std::string& name) -> Result<void> {
    const auto places = STRATA_TRY(find_running(name));
    return container::set_paused(places.runtime(), name, pause);
  });
}

Result<int> remove_running(const Names& names, bool force, bool all) {
  Names chosen = names;
  if (all) {
    for (const auto& places : STRATA_TRY(all_containers()))
      if (force || !is_looked_after(places)) chosen.push_back(places.name);
  } else if (names.empty()) {
    return fail(ErrorCode::usage, "nothing to remove: give names, or --all");
  }
  if (chosen.empty()) return 0;
  return for_each(chosen, [&](const std::string& name) { return remove_container(name, force); });
}

Result<int> start_stopped(const Names& names, bool attach) {
  if (attach && names.size() != 1) return fail(ErrorCode::usage, "--attach takes one name");
  if (attach) return start_container(names[0], true);
  // One after the other: what a process of several threads forks is not to do much.
  for (const std::string& name : names) STRATA_TRY(start_container(name, false));
  return 0;
}

Result<int> attach_to(const std::string& name) {
  const auto places = STRATA_TRY(find_container(name));
  const auto record = STRATA_TRY(read_record(places));
  const auto options = STRATA_TRY(options_of(places, record));
  auto client = STRATA_TRY(ContainerClient::connect(places));
  STRATA_TRY(client.ask(Ask::attach));
  const auto code = STRATA_TRY(client.relay({.input = options.input, .terminal = options.terminal}));
  return code.value_or(0);
}

Result<int> wait_for(const std::string& name) {
  const auto places = STRATA_TRY(find_container(name));
  fmt::print("{}\n", STRATA_TRY(await_end(places, Ask::wait, {})));
  return 0;
}

}  // namespace strata::control
