// Runs mmdebstrap: which packages, which settings, and what its output says.
#include "image/bootstrap.h"

#include "base/log.h"
#include "base/process.h"
#include "image/guest_setup.h"

#include <fmt/ranges.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

namespace strata::image {
namespace {

// Beside the packages that Debian calls required, and apt. klibc-utils is for our initrd; initramfs-tools is named so
// that no suite chooses a larger maker of initrds for the kernel package.
constexpr std::array packages{"systemd-sysv", "udev", "dbus",        "iproute2",        "e2fsprogs",
                              "procps",       "kmod", "klibc-utils", "initramfs-tools", "python3-minimal"};

struct Phase {
  std::string_view line;  // of mmdebstrap, that opens the phase
  std::string_view name;
  double begins;  // fraction of the whole, by measured times
};
constexpr std::array phases{
    Phase{"", "starting", 0.0},
    Phase{"I: running apt-get update", "fetching package lists", 0.01},
    Phase{"I: downloading packages", "fetching packages", 0.08},
    Phase{"I: extracting archives", "unpacking packages", 0.16},
    Phase{"I: installing essential packages", "installing the base system", 0.25},
    Phase{"I: installing remaining packages", "installing packages", 0.40},
    Phase{"I: running --customize-hook", "setting up the system", 0.92},
    Phase{"I: creating tarball", "packing the system", 0.95},
    Phase{"", "", 1.0},
};

// As root, mmdebstrap mounts /proc and its like inside the guest's tree. In a mount namespace of its own these mounts end
// with it, however it ends; on the host, a killed one would leave them. Where we may not have one, it cannot mount either.
std::vector<std::string> mount_apart() {
  const std::vector<std::string> unshare{"unshare", "--mount", "--propagation", "private", "--"};
  std::vector<std::string> probe = unshare;
  probe.emplace_back("true");
  if (::geteuid() == 0 && run_command({probe}) == 0) return unshare;
  return {};
}

std::vector<std::string> arguments_for(const Recipe& recipe, const AptSources& sources, const std::string& target) {
  std::vector<std::string> include(packages.begin(), packages.end());
  include.push_back(recipe.kernel_package);
  include.insert(include.end(), recipe.packages.begin(), recipe.packages.end());
  if (sources.needs_certificates) include.emplace_back("ca-certificates");
  std::vector<std::string> arguments = mount_apart();
  arguments.insert(
      arguments.end(),
      {"mmdebstrap", "--verbose", "--variant=minbase", "--format=tar", "--architectures=" + recipe.architecture,
       fmt::format("--include={}", fmt::join(include, ",")), std::string("--customize-hook=") + guest_setup_script});
  for (const std::string& option : sources.options) arguments.push_back("--aptopt=" + option);
  // Descriptions in other languages are most of what an update would fetch, and nobody reads them here.
  arguments.emplace_back("--aptopt=Acquire::Languages \"none\"");
  arguments.push_back(recipe.suite);
  arguments.push_back(target);
  arguments.insert(arguments.end(), sources.lines.begin(), sources.lines.end());
  return arguments;
}

std::string user_name() {
  const passwd* user = ::getpwuid(::getuid());
  return user != nullptr ? user->pw_name : "USER";
}

std::uintmax_t free_mib(const std::filesystem::path& directory) {
  std::error_code ignored;
  return std::filesystem::space(directory, ignored).available >> 20;
}

}  // namespace

bool BootstrapLog::add_line(std::string_view line) {
  note_trouble(line);
  for (std::size_t i = phase_ + 1; i + 1 < phases.size(); ++i) {
    if (!line.starts_with(phases[i].line)) continue;
    phase_ = i;
    packages_ = packages_done_ = 0;
    state_ = {phases[i].name, phases[i].begins};
    return true;
  }
  return count_package(line);
}

bool BootstrapLog::count_package(std::string_view line) {
  // "0 upgraded, 59 newly installed, 0 to remove and 0 not upgraded."
  if (const std::size_t at = line.find(" newly installed"); at != std::string_view::npos) {
    const std::size_t begin = line.rfind(' ', at - 1) + 1;
    std::from_chars(line.data() + begin, line.data() + at, packages_);
    return false;
  }
  if (packages_ == 0 ||
      !(line.starts_with("Get:") || line.starts_with("Unpacking ") || line.starts_with("Setting up ")))
    return false;
  ++packages_done_;
  // The phases that install fetch, unpack and set up each package; the phase that only fetches is a third of that.
  const double steps = packages_ * (phases[phase_].name == "fetching packages" ? 1.0 : 3.0);
  const double span = phases[phase_ + 1].begins - phases[phase_].begins;
  state_.fraction = phases[phase_].begins + span * std::min(1.0, packages_done_ / steps);
  return true;
}

// The first complaint is the cause, those after it are what followed.
void BootstrapLog::note_trouble(std::string_view line) {
  if (line.find("No space left on device") != std::string_view::npos) disk_is_full_ = true;
  if (line.ends_with("chosen mode: fakechroot")) is_pretending_ = true;
  if (!complaint_.empty()) return;
  for (const std::string_view start : {"E: ", "dpkg: error: ", "dpkg: error ", "tar: ", "perl: error: "}) {
    if (!line.starts_with(start)) continue;
    if (start == "E: ") line.remove_prefix(start.size());
    // Where a hook fails, mmdebstrap can only repeat the script; what the script said last stands before.
    complaint_ = line.find("command failed") == std::string_view::npos ? line : std::string_view(last_line_);
    complaint_.resize(std::min<std::size_t>(complaint_.size(), 300));
    return;
  }
  if (!line.empty()) last_line_ = line;
}

Result<std::filesystem::path> bootstrap(const Recipe& recipe, const AptSources& sources,
                                        const std::filesystem::path& directory, const std::filesystem::path& temporary,
                                        const BootstrapProgress& on_progress, int cancel_fd) {
  const std::filesystem::path target = directory / "rootfs.tar";
  Command command{arguments_for(recipe, sources, target.string())};
  // No fsync after each file: the image is brought to the disk as a whole. And no initrd by Debian's tools: they take
  // longer than all other packages, and ours is used; a new kernel that the guest installs gets one.
  command.environment = {
      {"LC_ALL", "C.UTF-8"}, {"TMPDIR", temporary.string()}, {"DPKG_FORCE", "unsafe-io"}, {"INITRD", "No"}};

  BootstrapLog log;
  const auto on_line = [&](std::string_view line) {
    log::debug("mmdebstrap: {}", line);
    if (log.add_line(line) && on_progress) on_progress(log.state());
  };
  const Result<int> code = run_command(command, on_line, cancel_fd);
  const bool missing = code ? *code == 127 : code.error().code == ErrorCode::not_found;  // 127: of unshare
  if (missing)
    return fail(ErrorCode::not_found, "mmdebstrap is missing: 'apt-get install mmdebstrap' as root brings it");
  if (!code && code.error().code == ErrorCode::cancelled) return tl::unexpected(code.error());
  if (log.disk_is_full())
    return fail(ErrorCode::no_space, "the disk is full: {} MiB are free in {}, {} in {}", free_mib(directory),
                directory.parent_path().string(), free_mib(temporary), temporary.parent_path().string());
  if (!code) return tl::unexpected(code.error());
  if (*code != 0 && log.is_pretending())
    return fail(
        "mmdebstrap cannot do this without root: build as root, or 'usermod --add-subuids 100000-165535 "
        "--add-subgids 100000-165535 {}' once",
        user_name());
  if (*code != 0 && log.complaint().empty()) return fail("mmdebstrap ended with code {}", *code);
  if (*code != 0) return fail("mmdebstrap: {}", log.complaint());
  return target;
}

}  // namespace strata::image
