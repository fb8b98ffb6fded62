// What is kept of a container between commands: a folder below the runtime's root, and how its state is told to others.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"
#include "container/cgroup/cgroup.h"
#include "container/spec/spec.h"

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace strata::container {

enum class Status { creating, created, running, paused, stopped };
[[nodiscard]] std::string_view name_of(Status status);

/// state.json of the folder; docs/formats/container-state.md.
struct Record {
  std::string id;
  std::string bundle;   // absolute
  std::string rootfs;   // absolute
  std::string created;  // RFC 3339
  uid_t owner = 0;
  pid_t pid = 0;                     // 0: there is no process yet
  std::uint64_t start_time = 0;      // of that process, in ticks since boot: tells it from a later one of its number
  std::vector<std::string> cgroups;  // folders
  std::map<std::string, std::string> annotations;
};

/// The folder of one container, and the lock on it that commands which change the container hold.
class ContainerFolder {
 public:
  /// Makes it; the id must be free. Ids have letters, digits, and _ + - . as podman's and containerd's do.
  [[nodiscard]] static Result<ContainerFolder> make(const std::string& root, const std::string& id);
  [[nodiscard]] static Result<ContainerFolder> open(const std::string& root, const std::string& id);
  /// The ids of all.
  [[nodiscard]] static std::vector<std::string> list(const std::string& root);

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string spec_path() const { return path_ + "/config.json"; }
  [[nodiscard]] std::string start_path() const { return path_ + "/start"; }

  [[nodiscard]] Result<Record> read() const;
  [[nodiscard]] Result<void> write(const Record& record) const;
  /// The first record, and the configuration, whose text that is.
  [[nodiscard]] Result<void> write_new(const Record& record, std::string_view config) const;
  /// The configuration as it was at `create`: later changes of the bundle's have no effect.
  [[nodiscard]] Result<Spec> read_spec() const;
  void remove() const;
  /// For a child, whose copy of the lock would outlive ours.
  void forget_lock() { lock_.reset(); }
  /// Lets other commands at the container. Locking again gives false where one of them has deleted it.
  void unlock() const;
  [[nodiscard]] bool lock_again() const;

 private:
  ContainerFolder(std::string path, UniqueFd lock) : path_(std::move(path)), lock_(std::move(lock)) {}

  std::string path_;
  UniqueFd lock_;
};

/// Whether the record's process still is what it was.
[[nodiscard]] bool is_alive(const Record& record);
[[nodiscard]] Status status_of(const Record& record, const ContainerFolder& folder, const Cgroup& cgroup);
/// The state of runtime.md as JSON, with what runc adds.
[[nodiscard]] std::string state_json(const Record& record, Status status);
/// What the agent of a seccomp listener is sent (config-linux.md, "The Container Process State").
[[nodiscard]] std::string process_state_json(const Spec& spec, const std::string& state, pid_t process);

/// The start time of a process, or an error where there is none or it is dead and not waited for.
[[nodiscard]] Result<std::uint64_t> start_time_of(pid_t process);

}  // namespace strata::container
