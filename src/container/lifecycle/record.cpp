// The container's folder, its record, and what its state is now.
#include "container/lifecycle/record.h"

#include "container/files.h"
#include "container/spec/read_spec.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <memory>

namespace strata::container {
namespace {

constexpr std::size_t longest_id = 255;

Result<void> check_id(const std::string& id) {
  const auto allowed = [](unsigned char c) { return std::isalnum(c) || std::strchr("_+-.", c); };
  if (id.empty() || id.size() > longest_id || id == "." || id == ".." || !std::ranges::all_of(id, allowed))
    return fail(ErrorCode::usage, "'{}' is no container id: letters, digits, '_', '+', '-' and '.' make one", id);
  return {};
}

Result<void> lock(int folder) {
  while (::flock(folder, LOCK_EX) != 0)
    if (errno != EINTR) return fail_errno("locking its folder");
  // Whoever had the lock may have removed the container.
  if (struct stat found{}; ::fstat(folder, &found) != 0 || found.st_nlink == 0)
    return fail(ErrorCode::not_found, "it was just deleted");
  return {};
}

Result<UniqueFd> open_locked(const std::string& path) {
  UniqueFd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return fail_errno("{}", path);
  STRATA_TRY(lock(folder.get()));
  return folder;
}

std::string json_of(const Record& record) {
  const nlohmann::json json = {{"id", record.id},
                               {"bundle", record.bundle},
                               {"rootfs", record.rootfs},
                               {"created", record.created},
                               {"owner", record.owner},
                               {"pid", record.pid},
                               {"startTime", record.start_time},
                               {"cgroups", record.cgroups},
                               {"annotations", record.annotations}};
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

std::string_view name_of(Status status) {
  switch (status) {
    case Status::creating: return "creating";
    case Status::created: return "created";
    case Status::running: return "running";
    case Status::paused: return "paused";
    case Status::stopped: return "stopped";
  }
  return "";
}

Result<ContainerFolder> ContainerFolder::make(const std::string& root, const std::string& id) {
  STRATA_TRY(check_id(id));
  std::error_code error;
  std::filesystem::create_directories(root, error);
  const std::string path = root + "/" + id;
  if (::mkdir(path.c_str(), 0700) != 0) {
    if (errno == EEXIST)
      return fail(ErrorCode::already_exists, "container with id '{}' exists already: delete it first", id);
    return fail_errno("{}", path);
  }
  return ContainerFolder(path, STRATA_TRY(open_locked(path)));
}

Result<ContainerFolder> ContainerFolder::open(const std::string& root, const std::string& id) {
  STRATA_TRY(check_id(id));
  const std::string path = root + "/" + id;
  if (!exists(path)) return fail(ErrorCode::not_found, "container '{}' does not exist", id);
  return ContainerFolder(path, STRATA_TRY(with_context(open_locked(path), "container '{}'", id)));
}

std::vector<std::string> ContainerFolder::list(const std::string& root) {
  std::vector<std::string> ids;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(root, error))
    if (const auto name = entry.path().filename().string(); entry.is_directory(error) && check_id(name))
      ids.push_back(name);
  std::ranges::sort(ids);
  return ids;
}

Result<Record> ContainerFolder::read() const {
  Record record;
  const std::string path = path_ + "/state.json";
  const auto text = exists(path) ? STRATA_TRY(read_file(path)) : "";
  const auto document = nlohmann::json::parse(text, nullptr, false);
  // Of a `create` that was killed before it had made anything: it can be deleted, and nothing else.
  if (document.is_discarded()) {
    record.id = std::filesystem::path(path_).filename().string();
    return record;
  }
  JsonProblem problem;
  const JsonReader json(&document, "", problem);
  record.id = json["id"].required().text();
  record.bundle = json["bundle"].text();
  record.rootfs = json["rootfs"].text();
  record.created = json["created"].text();
  record.owner = json["owner"].number<uid_t>();
  record.pid = json["pid"].number<pid_t>();
  record.start_time = json["startTime"].number<std::uint64_t>();
  record.cgroups = json["cgroups"].texts();
  json["annotations"].each_field(
      [&](const std::string& name, const JsonReader& value) { record.annotations[name] = value.text(); });
  STRATA_TRY(with_context(problem.result(), "{}", path));
  return record;
}

Result<void> ContainerFolder::write(const Record& record) const {
  return replace_file(path_ + "/state.json", json_of(record));
}

// Nothing is replaced here, and nobody else reads it yet.
Result<void> ContainerFolder::write_new(const Record& record, std::string_view config) const {
  STRATA_TRY(make_file(spec_path(), config));
  return make_file(path_ + "/state.json", json_of(record));
}

Result<Spec> ContainerFolder::read_spec() const {
  return with_context(container::read_spec(STRATA_TRY(read_file(spec_path(), max_spec_size))), "{}", spec_path());
}

void ContainerFolder::unlock() const { ::flock(lock_.get(), LOCK_UN); }

bool ContainerFolder::lock_again() const { return lock(lock_.get()).has_value(); }

void ContainerFolder::remove() const {
  std::error_code error;
  std::filesystem::remove_all(path_, error);
}

// Field 22 of /proc/PID/stat; the name of the program before it, in parentheses, may hold anything.
Result<std::uint64_t> start_time_of(pid_t process) {
  const auto text = STRATA_TRY(read_file(fmt::format("/proc/{}/stat", process)));
  std::size_t at = text.rfind(')');
  if (at == std::string::npos || at + 2 >= text.size()) return fail(ErrorCode::bad_data, "/proc/{}/stat", process);
  if (const char state = text[at + 2]; state == 'Z' || state == 'X')
    return fail(ErrorCode::not_found, "process {} is dead", process);
  for (int field = 2; field < 22 && at != std::string::npos; ++field) at = text.find(' ', at + 1);
  std::uint64_t time = 0;
  if (at != std::string::npos) std::from_chars(text.data() + at + 1, text.data() + text.size(), time);
  return time;
}

bool is_alive(const Record& record) {
  if (record.pid == 0) return false;
  const auto time = start_time_of(record.pid);
  return time && *time == record.start_time;
}

Status status_of(const Record& record, const ContainerFolder& folder, const Cgroup& cgroup) {
  if (!is_alive(record)) return record.pid || record.created.empty() ? Status::stopped : Status::creating;
  if (exists(folder.start_path())) return Status::created;
  return cgroup.frozen() ? Status::paused : Status::running;
}

std::string state_json(const Record& record, Status status) {
  nlohmann::ordered_json json = {{"ociVersion", "1.2.0"}, {"id", record.id}, {"status", name_of(status)}};
  if (status != Status::creating) json["pid"] = status == Status::stopped ? 0 : record.pid;
  else if (record.pid) json["pid"] = record.pid;
  json["bundle"] = record.bundle;
  json["rootfs"] = record.rootfs;
  json["created"] = record.created;
  if (!record.annotations.empty()) json["annotations"] = record.annotations;
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::string process_state_json(const Spec& spec, const std::string& state, pid_t process) {
  if (!spec.linux.seccomp || spec.linux.seccomp->listener_path.empty()) return {};
  const nlohmann::ordered_json json = {{"ociVersion", "1.2.0"},
                                       {"fds", {"seccompFd"}},
                                       {"pid", process},
                                       {"metadata", spec.linux.seccomp->listener_metadata},
                                       {"state", nlohmann::ordered_json::parse(state, nullptr, false)}};
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace strata::container
