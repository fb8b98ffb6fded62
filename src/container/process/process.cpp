// The steps by which a process becomes what its configuration says.
#include "container/process/process.h"

#include "container/files.h"
#include "container/process/arguments.h"
#include "container/process/user_lookup.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <cstring>

namespace strata::container {
namespace {

std::string_view variable(const std::vector<std::string>& env, std::string_view name) {
  for (const auto& one : env)
    if (one.size() > name.size() && one.starts_with(name) && one[name.size()] == '=')
      return std::string_view(one).substr(name.size() + 1);
  return {};
}

// By its mode alone: a user who may not run it is told by exec itself.
bool is_program(const std::string& path) {
  struct stat found {};
  return ::stat(path.c_str(), &found) == 0 && S_ISREG(found.st_mode) && (found.st_mode & 0111);
}

Result<void> write_at(int directory, const char* file, std::string_view text) {
  const UniqueFd open(::openat(directory, file, O_WRONLY | O_CLOEXEC));
  if (!open || ::write(open.get(), text.data(), text.size()) < 0) return fail_errno("{} = {}", file, text);
  return {};
}

}  // namespace

Result<UniqueFd> open_host_proc() {
  UniqueFd proc(::open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!proc) return fail_errno("/proc");
  struct statfs found {};
  if (::fstatfs(proc.get(), &found) != 0 || found.f_type != PROC_SUPER_MAGIC)
    return fail(ErrorCode::bad_data, "/proc is no procfs");
  return proc;
}

Result<void> ProcessSetup::open_host_files(int host_proc) {
  self_.reset(::openat(host_proc, "self", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!self_) return fail_errno("/proc/self");
  return connect_agent();
}

Result<void> ProcessSetup::take_limits() const {
  if (process_.oom_score_adj)
    STRATA_TRY(write_at(self_.get(), "oom_score_adj", std::to_string(*process_.oom_score_adj)));
  if (linux_.personality && ::personality(*linux_.personality) < 0) return fail_errno("setting the personality");
  if (process_.scheduler) STRATA_TRY(set_scheduler(*process_.scheduler));
  if (process_.io_priority) STRATA_TRY(set_io_priority(*process_.io_priority));
  if (linux_.memory_policy) STRATA_TRY(set_memory_policy(*linux_.memory_policy));
  return set_limits(process_.limits);
}

Result<void> ProcessSetup::enter_working_directory() const {
  if (::chdir(process_.cwd.c_str()) == 0) return {};
  if (errno == ENOENT) {
    for (std::size_t end = process_.cwd.find('/', 1);; end = process_.cwd.find('/', end + 1)) {
      (void)::mkdir(process_.cwd.substr(0, end).c_str(), 0755);
      if (end == std::string::npos) break;
    }
    if (::chdir(process_.cwd.c_str()) == 0) return {};
  }
  return fail_errno("process.cwd {}", process_.cwd);
}

Result<void> ProcessSetup::take_labels() const {
  if (!process_.apparmor_profile.empty()) {
    const std::string text = "exec " + process_.apparmor_profile;
    const char* const file =
        ::faccessat(self_.get(), "attr/apparmor/exec", F_OK, 0) == 0 ? "attr/apparmor/exec" : "attr/exec";
    STRATA_TRY(with_context(write_at(self_.get(), file, text), "process.apparmorProfile (is AppArmor on?)"));
  }
  if (!process_.selinux_label.empty())
    STRATA_TRY(with_context(write_at(self_.get(), "attr/exec", process_.selinux_label),
                            "process.selinuxLabel (is SELinux on?)"));
  return {};
}

Result<void> ProcessSetup::take_rights() {
  STRATA_TRY(take_labels());
  if (process_.no_new_privileges && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail_errno("no_new_privs");
  if (linux_.landlock.any()) STRATA_TRY(restrict_by_landlock(linux_.landlock));
  // Without no_new_privs the kernel takes a filter only from one who may do all; those rights are about to go.
  if (!process_.no_new_privileges) STRATA_TRY(install_filter());
  if (process_.capabilities) STRATA_TRY(prepare_capabilities(*process_.capabilities));
  STRATA_TRY(set_user(process_.user));
  if (process_.capabilities) STRATA_TRY(take_capabilities(*process_.capabilities));
  if (process_.no_new_privileges) STRATA_TRY(install_filter());
  return {};
}

Result<std::string> ProcessSetup::find_program() const {
  const std::string& name = process_.args[0];
  if (name.empty()) return fail(ErrorCode::bad_data, "process.args[0] is empty");
  if (name.find('/') != std::string::npos) {
    if (is_program(name)) return name;
    if (::access(name.c_str(), F_OK) != 0)
      return fail(ErrorCode::not_found, "exec: {}: no such file in the container", name);
    return fail(ErrorCode::permission_denied, "exec: {}: permission denied, or not a file", name);
  }
  std::string_view path = variable(process_.env, "PATH");
  if (path.empty()) path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  while (true) {
    const std::size_t end = path.find(':');
    const std::string folder(path.substr(0, end));
    const std::string candidate = folder.empty() ? name : folder + "/" + name;
    if (is_program(candidate)) return candidate;
    if (end == std::string_view::npos) break;
    path.remove_prefix(end + 1);
  }
  return fail(ErrorCode::not_found, "exec: {}: executable file not found in $PATH", name);
}

Error ProcessSetup::execute(const std::string& program) const {
  const auto args = argument_pointers(process_.args);
  std::vector<std::string> env = process_.env;
  if (variable(env, "HOME").empty()) env.push_back("HOME=" + home_of(process_.user.uid));
  const auto variables = argument_pointers(env);
  ::execve(program.c_str(), args.data(), variables.data());
  return error_from_errno(errno).context("exec {}", program);
}

}  // namespace strata::container
