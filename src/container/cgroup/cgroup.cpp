// Making, joining, freezing and removing a container's cgroups.
#include "container/cgroup/cgroup.h"

#include "container/files.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <thread>

namespace strata::container {
namespace {

using namespace std::chrono_literals;

constexpr auto removal_patience = 5s;  // for processes that were killed to be gone
constexpr auto freezing_patience = 2s;

// A new cpuset is empty, and takes no process before it has processors and memory: those of the cgroup above.
Result<void> inherit_cpuset(const std::string& folder) {
  for (const char* file : {"/cpuset.cpus", "/cpuset.mems"}) {
    const auto own = read_file(folder + file);
    if (!own || own->find_first_not_of(" \n") != std::string::npos) continue;
    const auto above = STRATA_TRY(read_file(std::filesystem::path(folder).parent_path().string() + file));
    STRATA_TRY(write_file(folder + file, above));
  }
  return {};
}

// Lets the cgroups below `folder` use what it has itself. One that holds processes cannot (EBUSY), which counts only when
// a limit is asked for.
void enable_controllers(const std::string& folder) {
  const auto controllers = read_file(folder + "/cgroup.controllers");
  if (!controllers) return;
  for (std::size_t begin = 0; begin < controllers->size();) {
    const std::size_t end = std::min(controllers->find_first_of(" \n", begin), controllers->size());
    if (end > begin)
      (void)write_file(folder + "/cgroup.subtree_control", "+" + controllers->substr(begin, end - begin));
    begin = end + 1;
  }
}

// Makes the folder and those above it that are missing.
Result<void> make_folder(const Hierarchy& hierarchy, const std::string& path) {
  for (std::size_t end = 0; end != std::string::npos;) {
    end = path.find('/', end + 1);
    const std::string folder = hierarchy.folder_of(path.substr(0, end));
    if (hierarchy.v2) enable_controllers(std::filesystem::path(folder).parent_path().string());
    if (::mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) return fail_errno("making the cgroup {}", folder);
    if (hierarchy.has("cpuset") && !hierarchy.v2) STRATA_TRY(inherit_cpuset(folder));
  }
  return {};
}

void read_processes(const std::string& folder, std::vector<pid_t>& into) {
  if (const auto text = read_file(folder + "/cgroup.procs")) {
    const char* at = text->data();
    const char* const end = at + text->size();
    while (at < end) {
      pid_t process = 0;
      const auto [next, error] = std::from_chars(at, end, process);
      if (error == std::errc{} && process > 0) into.push_back(process);
      at = next + 1;
    }
  }
}

// The folder and all below, the deepest first.
std::vector<std::string> folders_below(const std::string& folder) {
  std::vector<std::string> all;
  std::error_code error;
  for (std::filesystem::recursive_directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    if (it->is_directory(error)) all.push_back(it->path().string());
  std::ranges::reverse(all);
  all.push_back(folder);
  return all;
}

Result<void> remove_folder(const std::string& folder) {
  if (::rmdir(folder.c_str()) == 0 || errno == ENOENT) return {};
  const auto deadline = std::chrono::steady_clock::now() + removal_patience;
  for (auto pause = 1ms; std::chrono::steady_clock::now() < deadline; pause = std::min(pause * 2, 50ms)) {
    bool left = false;
    for (const auto& one : folders_below(folder)) left |= ::rmdir(one.c_str()) != 0 && errno != ENOENT;
    if (!left) return {};
    std::this_thread::sleep_for(pause);
  }
  return fail(ErrorCode::busy, "cgroup {} still has processes", folder);
}

// Without "..", which may lead to the root of the hierarchy and no further.
std::string clean(const std::string& path) {
  std::string plain = std::filesystem::path(path).lexically_normal().string();
  while (plain.size() > 1 && plain.ends_with('/')) plain.pop_back();
  return plain;
}

}  // namespace

Result<Cgroup> Cgroup::plan(const std::string& path) {
  Cgroup cgroup;
  for (auto& hierarchy : STRATA_TRY(find_hierarchies())) {
    const std::string whole = clean(path.starts_with('/') ? path : "/" + hierarchy.own_path + "/" + path);
    const std::string folder = hierarchy.folder_of(whole);
    cgroup.parts_.push_back({.hierarchy = std::move(hierarchy), .path = whole, .folder = folder});
  }
  return cgroup;
}

Result<void> Cgroup::make(bool may_lack) {
  return make(may_lack, [](const Part&) { return true; });
}

Result<void> Cgroup::make(bool may_lack, bool (*wanted)(const Part&)) {
  for (auto part = parts_.begin(); part != parts_.end();) {
    const auto made = part->made || !wanted(*part) ? Result<void>{} : make_folder(part->hierarchy, part->path);
    if (made) {
      part->made |= wanted(*part);
      ++part;
      continue;
    }
    const auto code = made.error().code;
    if (!may_lack || (code != ErrorCode::permission_denied && code != ErrorCode::io)) return made;
    part = parts_.erase(part);
  }
  return {};
}

Result<Cgroup> Cgroup::find(const std::vector<std::string>& folders) {
  Cgroup cgroup;
  if (folders.empty()) return cgroup;
  for (auto& hierarchy : STRATA_TRY(find_hierarchies())) {
    for (const auto& folder : folders) {
      if (!folder.starts_with(hierarchy.mount_point + "/")) continue;
      const std::string path =
          (hierarchy.root == "/" ? "" : hierarchy.root) + folder.substr(hierarchy.mount_point.size());
      cgroup.parts_.push_back({.hierarchy = hierarchy, .path = path, .folder = folder});
      break;
    }
  }
  return cgroup;
}

std::vector<std::string> Cgroup::folders() const {
  std::vector<std::string> all;
  for (const auto& part : parts_) all.push_back(part.folder);
  return all;
}

std::vector<std::pair<std::string, std::string>> Cgroup::paths() const {
  std::vector<std::pair<std::string, std::string>> all;
  for (const auto& part : parts_) {
    if (part.hierarchy.v2) all.emplace_back("", part.path);
    else
      for (const auto& controller : part.hierarchy.controllers) all.emplace_back(controller, part.path);
  }
  return all;
}

const Cgroup::Part* Cgroup::part_with(std::string_view controller) const {
  for (const auto& part : parts_)
    if (part.hierarchy.has(controller)) return &part;
  return nullptr;
}

const Cgroup::Part* Cgroup::v2_part() const {
  for (const auto& part : parts_)
    if (part.hierarchy.v2) return &part;
  return nullptr;
}

Result<void> Cgroup::apply(const Resources& resources) const {
  struct Need {
    std::string_view controller;
    bool asked;
  };
  const Need needs[] = {{"memory", resources.memory.any()},
                        {"cpu", resources.cpu.any_time()},
                        {"cpuset", !resources.cpu.cpus.empty() || !resources.cpu.mems.empty()},
                        {"pids", resources.pids_limit.has_value()},
                        {"hugetlb", !resources.hugepage_limits.empty()},
                        {"rdma", !resources.rdma.empty()}};
  for (const auto& need : needs)
    if (need.asked && !part_with(need.controller))
      return fail(ErrorCode::unsupported,
                  "a limit of '{0}' is asked for, but the cgroup controller '{0}' cannot be used here",
                  need.controller);
  if (!resources.unified.empty() && !v2_part())
    return fail(ErrorCode::unsupported, "'unified' limits need cgroup version 2, which this host does not have");
  for (const auto& part : parts_) {
    if (part.hierarchy.v2) STRATA_TRY(apply_v2(part.folder, resources));
    else STRATA_TRY(apply_v1(part.hierarchy, part.folder, resources));
  }
  // Where v1 has no devices controller mounted, v2 decides.
  if (const auto* part = v2_part(); part && !part_with("devices") && !resources.devices.empty())
    STRATA_TRY(apply_device_filter(part->folder, resources.devices));
  return {};
}

Result<UniqueFd> Cgroup::make_birthplace(bool may_lack) {
  STRATA_TRY(make(may_lack, [](const Part& part) { return part.hierarchy.v2; }));
  return open_birthplace();
}

Result<UniqueFd> Cgroup::open_birthplace() const {
  const auto* part = v2_part();
  if (!part) return UniqueFd();
  UniqueFd folder(::open(part->folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return fail_errno("cgroup {}", part->folder);
  return folder;
}

Result<std::vector<UniqueFd>> Cgroup::open_doors() const {
  std::vector<UniqueFd> doors;
  for (const auto& part : parts_) {
    if (part.hierarchy.v2) continue;
    doors.emplace_back(::open((part.folder + "/tasks").c_str(), O_WRONLY | O_CLOEXEC));
    if (!doors.back()) return fail_errno("joining the cgroup {}", part.folder);
  }
  return doors;
}

Result<void> pass_doors(const std::vector<UniqueFd>& doors) {
  for (const auto& door : doors)
    if (::write(door.get(), "0", 1) != 1) return fail_errno("joining a cgroup");
  return {};
}

Result<void> Cgroup::set_frozen(bool frozen) const {
  const auto* v1 = part_with("freezer");
  const auto* v2 = v2_part();
  if (!v1 && !v2) return fail(ErrorCode::unsupported, "the container has no cgroup that can be frozen");
  if (!v1) {
    STRATA_TRY(write_file(v2->folder + "/cgroup.freeze", frozen ? "1" : "0"));
    return {};
  }
  const auto deadline = std::chrono::steady_clock::now() + freezing_patience;
  while (true) {
    STRATA_TRY(write_file(v1->folder + "/freezer.state", frozen ? "FROZEN" : "THAWED"));
    const auto state = STRATA_TRY(read_file(v1->folder + "/freezer.state"));
    if (state.starts_with(frozen ? "FROZEN" : "THAWED")) return {};
    if (std::chrono::steady_clock::now() > deadline) {
      (void)write_file(v1->folder + "/freezer.state", "THAWED");
      return fail(ErrorCode::timed_out, "the container's processes could not be frozen");
    }
    std::this_thread::sleep_for(1ms);
  }
}

bool Cgroup::frozen() const {
  if (const auto* v1 = part_with("freezer")) {
    const auto state = read_file(v1->folder + "/freezer.state");
    return state && !state->starts_with("THAWED");
  }
  const auto* v2 = v2_part();
  const auto state = v2 ? read_file(v2->folder + "/cgroup.freeze") : fail("none");
  return state && state->starts_with('1');
}

Result<std::vector<pid_t>> Cgroup::processes() const {
  std::vector<pid_t> all;
  // Each hierarchy has the same processes, unless someone has moved one: the one to freeze is the one to trust.
  const Part* part = v2_part();
  for (const char* controller : {"devices", "freezer", "pids", "memory"})
    if (const auto* with = part_with(controller); with && !with->hierarchy.v2) part = with;
  if (!part) return all;
  for (const auto& folder : folders_below(part->folder)) read_processes(folder, all);
  return all;
}

Result<void> Cgroup::signal_all(int signal) const {
  if (const auto* v2 = v2_part(); v2 && signal == SIGKILL && !part_with("freezer"))
    if (write_file(v2->folder + "/cgroup.kill", "1")) return {};
  if (const auto now = processes(); now && now->empty()) return {};
  const bool was_frozen = frozen();
  const bool froze = !was_frozen && set_frozen(true).has_value();
  for (const pid_t process : STRATA_TRY(processes())) (void)::kill(process, signal);
  if (froze || (was_frozen && signal == SIGKILL)) return set_frozen(false);
  return {};
}

bool Cgroup::remove_if_empty() const {
  bool gone = true;
  for (const auto& part : parts_) gone &= ::rmdir(part.folder.c_str()) == 0 || errno == ENOENT;
  return gone;
}

Result<void> Cgroup::remove() const {
  Result<void> result;
  for (const auto& part : parts_)
    if (auto removed = remove_folder(part.folder); !removed && result) result = std::move(removed);
  return result;
}

std::vector<Cgroup::View> Cgroup::views() const {
  std::vector<View> all;
  const bool hybrid = parts_.size() > 1;
  for (const auto& part : parts_) {
    const auto& hierarchy = part.hierarchy;
    View view{.v2 = hierarchy.v2, .folder = part.folder};
    view.name = std::filesystem::path(hierarchy.mount_point).filename().string();
    if (hierarchy.v2 && hybrid) view.name = "unified";
    for (const auto& controller : hierarchy.controllers) {
      if (hierarchy.v2) break;
      if (!controller.starts_with("name=") && controller != view.name) view.aliases.push_back(controller);
    }
    all.push_back(std::move(view));
  }
  return all;
}

}  // namespace strata::container
