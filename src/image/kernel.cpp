// Fetches a kernel's packages with an apt state of our own, so that the system's is never touched, and keeps what a machine
// needs of them.
#include "image/kernel.h"

#include "base/log.h"
#include "base/process.h"
#include "base/user_folders.h"
#include "image/apt_sources.h"
#include "image/initrd.h"
#include "image/recipe.h"
#include "image/staging.h"
#include "image/store_lock.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <optional>

namespace strata::image {
namespace fs = std::filesystem;
namespace {

constexpr const char* kernel_source = "debian:trixie";
constexpr std::string_view kernel_name = "kernel", modules_name = "modules";
constexpr const char* debian_keys = "/usr/share/keyrings/debian-archive-keyring.gpg";

// One of the commands of apt, with that state; remembers what it complains about.
class Apt {
 public:
  Apt(fs::path state, const Recipe& recipe, const ProgressFn& on_progress, int cancel_fd)
      : state_(std::move(state)), recipe_(recipe), on_progress_(on_progress), cancel_fd_(cancel_fd) {}

  Result<void> make_state(const AptSources& sources) const {
    std::error_code error;
    for (const char* folder : {"lists/partial", "cache/archives/partial"}) {
      fs::create_directories(state_ / folder, error);
      if (error) return fail(ErrorCode::io, "making {}: {}", (state_ / folder).string(), error.message());
    }
    std::string lines;
    for (std::string line : sources.lines) {
      if (fs::exists(debian_keys))
        line.insert(std::string_view("deb ").size(), fmt::format("[signed-by={}] ", debian_keys));
      lines += line + '\n';
    }
    STRATA_TRY(write_durably(state_ / "status", ""));
    return write_durably(state_ / "sources.list", lines);
  }

  // `begin` and `end` say which part of the whole work this is.
  Result<std::string> run(std::string_view phase, double begin, double end, std::vector<std::string> words) {
    Command command{{"apt-get", "-qq"}, {{"LC_ALL", "C.UTF-8"}}};
    for (const auto& [name, value] : settings())
      command.arguments.insert(command.arguments.end(), {"-o", fmt::format("{}={}", name, value)});
    command.arguments.insert(command.arguments.end(), words.begin(), words.end());
    std::string output, complaint;
    if (on_progress_) on_progress_({phase, begin});
    const auto on_line = [&](std::string_view line) {
      log::debug("apt-get: {}", line);
      if (line.starts_with("E: ") && complaint.empty()) complaint = line.substr(3);
      if (const auto done = percent_of(line); done && on_progress_)
        on_progress_({phase, begin + (end - begin) * *done});
      output.append(line).append("\n");
    };
    const int code = STRATA_TRY(run_command(command, on_line, cancel_fd_));
    if (code != 0)
      return fail("apt-get {}: {}", words.front(), complaint.empty() ? fmt::format("code {}", code) : complaint);
    return output;
  }

 private:
  std::vector<std::pair<std::string, std::string>> settings() const {
    const std::string state = state_.string();
    return {{"Dir::State", state},
            {"Dir::State::status", state + "/status"},
            {"Dir::Cache", state + "/cache"},
            {"Dir::Etc::sourcelist", state + "/sources.list"},
            {"Dir::Etc::sourceparts", "/dev/null"},
            {"Dir::Etc::preferences", "/dev/null"},
            {"Dir::Etc::preferencesparts", "/dev/null"},
            {"APT::Architecture", recipe_.architecture},
            {"APT::Architectures", recipe_.architecture},
            {"APT::Sandbox::User", ""},
            {"APT::Status-Fd", "1"},
            {"Acquire::Languages", "none"},
            {"Acquire::Retries", "3"}};
  }

  // "dlstatus:1:20.5:Retrieving file 1 of 3"
  static std::optional<double> percent_of(std::string_view line) {
    if (!line.starts_with("dlstatus:")) return std::nullopt;
    const std::size_t colon = line.find(':', std::string_view("dlstatus:").size());
    if (colon == std::string_view::npos) return std::nullopt;
    return std::clamp(std::atof(std::string(line.substr(colon + 1)).c_str()) / 100, 0.0, 1.0);
  }

  fs::path state_;
  const Recipe& recipe_;
  const ProgressFn& on_progress_;
  int cancel_fd_;
};

Result<void> unpack_packages(const fs::path& folder, const fs::path& tree, int cancel_fd) {
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, ignored)) {
    if (entry.path().extension() != ".deb") continue;
    const int code = STRATA_TRY(run_command({{"dpkg-deb", "-x", entry.path().string(), tree.string()}}, {}, cancel_fd));
    if (code != 0) return fail(ErrorCode::bad_data, "unpacking {} failed", entry.path().filename().string());
  }
  return {};
}

Result<std::string> fetch_kernel(const fs::path& staging, const ProgressFn& on_progress, int cancel_fd) {
  const Recipe recipe = STRATA_TRY(find_recipe(kernel_source, "amd64"));
  Apt apt(staging / "apt", recipe, on_progress, cancel_fd);
  const AptSources sources = STRATA_TRY(host_apt_sources(recipe));
  STRATA_TRY(apt.make_state(sources));
  STRATA_TRY(apt.run("fetching package lists", 0, 0.5, {"update"}));
  const std::string plan = STRATA_TRY(
      apt.run("fetching the kernel", 0.5, 0.5, {"install", "-s", "--no-install-recommends", recipe.kernel_package}));
  std::vector<std::string> words{"install", "--download-only", "--no-install-recommends", "-y"};
  const std::vector<std::string> packages = kernel_packages(plan);
  if (packages.empty())
    return fail(ErrorCode::not_found, "{} has no kernel behind {}", kernel_source, recipe.kernel_package);
  words.push_back(recipe.kernel_package);
  STRATA_TRY(apt.run("fetching the kernel", 0.5, 0.9, words));
  if (on_progress) on_progress({"unpacking the kernel", 0.9});

  const fs::path tree = staging / "tree", archives = staging / "apt/cache/archives";
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(archives, ignored)) {
    const std::string file = entry.path().filename();
    const bool wanted =
        std::any_of(packages.begin(), packages.end(), [&](const auto& name) { return file.starts_with(name + "_"); });
    if (!wanted) fs::remove(entry.path(), ignored);
  }
  STRATA_TRY(unpack_packages(archives, tree, cancel_fd));
  const KernelFile found = STRATA_TRY(find_kernel(tree));
  CpioArchive modules;
  STRATA_TRY(add_modules(modules, found.modules));
  STRATA_TRY(write_durably(staging / modules_name, modules.finish()));
  const std::string kernel = STRATA_TRY(read_whole_file(found.kernel));
  STRATA_TRY(write_durably(staging / kernel_name, kernel));
  remove_tree(tree);
  remove_tree(staging / "apt");
  return found.release;
}

std::optional<Kernel> newest_in(const fs::path& directory) {
  std::optional<Kernel> newest;
  timespec newest_time{};
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, ignored)) {
    const std::string release = entry.path().filename();
    struct stat status = {};
    if (release.starts_with('.') || ::stat((entry.path() / kernel_name).c_str(), &status) != 0) continue;
    const timespec& time = status.st_mtim;
    const bool newer =
        !newest || std::pair(time.tv_sec, time.tv_nsec) > std::pair(newest_time.tv_sec, newest_time.tv_nsec);
    if (!newer) continue;
    newest_time = time;
    newest = Kernel{release, entry.path() / kernel_name, entry.path() / modules_name};
  }
  return newest;
}

}  // namespace

std::vector<std::string> kernel_packages(std::string_view simulation) {
  std::vector<std::string> names;
  while (!simulation.empty()) {
    std::string_view line = simulation.substr(0, simulation.find('\n'));
    simulation.remove_prefix(std::min(line.size() + 1, simulation.size()));
    // "Inst linux-image-6.12.9-cloud-amd64 (6.12.9-1 Debian:13/stable [amd64])"; from 7.0 on in several packages
    for (const std::string_view kind : {"image", "binary", "modules", "base"}) {
      const std::string start = fmt::format("Inst linux-{}-", kind);
      const bool numbered = line.starts_with(start) && line.size() > start.size() && line[start.size()] >= '0' &&
                            line[start.size()] <= '9';
      if (!numbered) continue;
      const std::size_t name_at = std::string_view("Inst ").size();
      names.emplace_back(line.substr(name_at, line.find(' ', name_at) - name_at));
    }
  }
  return names;
}

Result<KernelFile> find_kernel(const fs::path& tree) {
  // Debian keeps modules in /usr since trixie, and the kernel in /boot; from Linux 7.0 on with its modules.
  for (const char* folder : {"usr/lib/modules", "lib/modules"}) {
    std::error_code ignored;
    for (const fs::directory_entry& entry : fs::directory_iterator(tree / folder, ignored)) {
      const std::string release = entry.path().filename();
      for (const fs::path& kernel : {tree / "boot" / ("vmlinuz-" + release), entry.path() / "vmlinuz"})
        if (fs::is_regular_file(kernel) && fs::is_directory(entry.path() / "kernel"))
          return KernelFile{release, kernel, entry.path()};
    }
  }
  return fail(ErrorCode::not_found, "the guest has no kernel with its modules");
}

Result<Kernel> machine_kernel(const ProgressFn& on_progress, int cancel_fd) {
  const fs::path directory = STRATA_TRY(store_root()) / "kernels";
  if (auto kernel = newest_in(directory)) return *kernel;
  const auto fetching = [](Error error) {
    return error.code == ErrorCode::cancelled
               ? Error{error.code, "fetching a kernel was stopped"}
               : std::move(error).context("fetching a kernel for the machine (--kernel FILE takes one of yours)");
  };
  StagingFolder staging = STRATA_TRY(StagingFolder::create(directory, "kernel"));
  const std::string release = STRATA_TRY(fetch_kernel(staging.directory(), on_progress, cancel_fd).map_error(fetching));
  // Somebody else may have fetched the same one meanwhile: either will do.
  STRATA_TRY(staging.publish(release, true));
  if (auto kernel = newest_in(directory)) return *kernel;
  return fail(ErrorCode::not_found, "the kernel {} is gone again", release);
}

}  // namespace strata::image
