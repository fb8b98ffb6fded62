// Puts together what the image brings, what the user says, and what we add: kernel and first process.
#include "control/image_machine.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <csignal>
#include <filesystem>
#include <memory>

#include "base/user_folders.h"
#include "control/container_store.h"
#include "control/interruption.h"
#include "control/progress_line.h"
#include "control/quantity.h"
#include "image/blobs.h"
#include "image/cpio.h"
#include "image/image.h"
#include "image/kernel.h"
#include "image/machine_disk.h"
#include "image/open_image.h"
#include "init/spec.h"
#include "machine/pc/layout.h"

namespace strata::control {
namespace {

// A kernel that panics starts the machine again, which ends the run. A program's output is not mixed with the kernel's but
// for its last words.
constexpr std::string_view system_line = "console=ttyS0 panic=-1";
// The self-tests of its ciphers are a quarter of a kernel's time to its first process.
constexpr std::string_view program_line = "console=ttyS0 panic=-1 quiet loglevel=1 cryptomgr.notests";
constexpr const char* usual_init = "/sbin/init";

Result<image::ImageConfig> config_of(const image::Image& image) {
  if (!image.info.manifest) return image::ImageConfig{};
  const image::BlobStore blobs = STRATA_TRY(image::BlobStore::open());
  return STRATA_TRY(image::open_image(blobs, image)).config;
}

bool has_own_kernel(const image::Image& image) { return !image.info.kernel_release.empty(); }

/// Whether the image's own first process is to boot: an image that brings its kernel is a system, others are programs; and
/// some programs are first processes.
Result<bool> boots_system(const image::Image& image, const MachineOptions& options, const Program& program) {
  const bool named = options.program.names_program();
  switch (options.boot) {
    case BootChoice::init: return true;
    case BootChoice::command: break;
    case BootChoice::automatic:
      if (!named && has_own_kernel(image)) return true;
      if (!program.arguments.empty() && is_init(program.arguments.front())) return true;
  }
  if (!program.arguments.empty()) return false;
  return fail(ErrorCode::usage, "image {0} says no command: 'strata run {0} COMMAND' does, or --boot init for its {1}",
              image.info.name, usual_init);
}

/// "localhost:5000/team/app:1.0" is app.
std::string hostname_of(std::string_view image) {
  image.remove_prefix(std::min(image.rfind('/') + 1, image.size()));
  std::string name(image.substr(0, image.find_first_of(":@")));
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '-');
  return name.empty() ? "strata" : name.substr(0, 63);
}

/// Work before the machine is there: shows how far it is, and can be stopped. Afterwards signals are as they were.
class Preparation {
 public:
  static Result<std::unique_ptr<Preparation>> begin() {
    std::unique_ptr<Preparation> made(new Preparation);
    ::sigprocmask(SIG_SETMASK, nullptr, &made->signals_);
    made->interrupted_ = STRATA_TRY(interruption());
    return made;
  }
  ~Preparation() { ::sigprocmask(SIG_SETMASK, &signals_, nullptr); }
  Preparation(const Preparation&) = delete;
  Preparation& operator=(const Preparation&) = delete;

  int cancel_fd() const { return interrupted_.get(); }
  image::ProgressFn progress() {
    return [this](const image::Progress& progress) { line_.show(progress.phase, progress.fraction); };
  }

 private:
  Preparation() = default;
  sigset_t signals_ = {};
  UniqueFd interrupted_;
  ProgressLine line_;
};

Result<void> take_kernel(MachineOptions& options, const image::Image& image) {
  if (!options.kernel.empty()) return {};
  if (has_own_kernel(image)) {
    options.kernel = image.kernel;
    if (options.initrd.empty()) options.initrd = image.initrd;
    return {};
  }
  const auto preparation = STRATA_TRY(Preparation::begin());
  const image::Kernel kernel = STRATA_TRY(image::machine_kernel(preparation->progress(), preparation->cancel_fd()));
  options.kernel = kernel.kernel;
  if (options.initrd.empty()) options.initrd = kernel.modules;
  return {};
}

/// The image's own, or one made of its layers.
Result<void> take_disk(MachineOptions& options, const image::Image& image) {
  std::filesystem::path disk = image.disk;
  if (image.info.disk_bytes == 0) {
    const auto preparation = STRATA_TRY(Preparation::begin());
    disk = STRATA_TRY(image::machine_disk(image, {.bytes = options.disk_bytes, .cancel_fd = preparation->cancel_fd()},
                                          preparation->progress()));
  } else if (options.disk_bytes) {
    return fail(ErrorCode::usage, "--disk-size: image {} has a disk of {} already", image.info.name,
                format_bytes(image.info.disk_bytes));
  }
  options.disks.insert(options.disks.begin(), DiskChoice{disk, false, true});
  return {};
}

Result<std::string> initrd_with(const InitSpec& spec) {
  const std::string path = STRATA_TRY(own_program("strata-init"));
  const std::string program = STRATA_TRY(read_whole_file(path));
  image::CpioArchive archive;
  archive.add_directory("dev");
  archive.add_program("init", program);
  archive.add_file(init::spec_path + 1, write_init_spec(spec));  // names in it have no slash before them
  return archive.finish();
}

void look_at_terminal(InitSpec& spec) {
  spec.terminal = ::isatty(STDIN_FILENO) != 0 && ::isatty(STDOUT_FILENO) != 0;
  winsize size{};
  if (!spec.terminal || ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return;
  spec.rows = size.ws_row;
  spec.columns = size.ws_col;
}

/// A command that is no first process by its name is one where the user says so.
void choose_init(InitSpec& spec, bool named) {
  std::vector<std::string>& arguments = spec.program.arguments;
  const bool is_command = !arguments.empty() && (named || is_init(arguments.front()));
  if (!is_command) arguments = {usual_init};
  spec.init = arguments.front();
}

bool has_network(const MachineOptions& options) {
  return options.nets.empty() || std::any_of(options.nets.begin(), options.nets.end(),
                                             [](const NetChoice& net) { return net.kind != NetChoice::Kind::none; });
}

}  // namespace

std::string write_init_spec(const InitSpec& spec) {
  std::string text;
  const auto add = [&](std::string_view key, std::string_view value) {
    text.append(key).append("=").append(value).push_back('\0');
  };
  add("root", "/dev/vda");
  for (const std::string& argument : spec.program.arguments) add("argument", argument);
  add("exit-port", std::to_string(machine::pc::debug_exit_port));
  if (!spec.init.empty()) {
    add("init", spec.init);
    return text;
  }
  for (const std::string& variable : spec.program.env) add("environment", variable);
  add("directory", spec.program.directory);
  add("user", spec.program.user);
  add("host-name", spec.hostname);
  if (spec.network) add("network", "dhcp");
  if (spec.consoles) add("console", program_console);
  if (spec.consoles && !spec.terminal) add("errors", errors_console);
  if (spec.terminal) add("terminal", "yes");
  if (spec.rows != 0) add("rows", std::to_string(spec.rows));
  if (spec.columns != 0) add("columns", std::to_string(spec.columns));
  return text;
}

Result<ImageMachine> machine_of_image(MachineOptions asked) {
  if (asked.image.empty()) return ImageMachine{std::move(asked)};
  const image::Image image = STRATA_TRY(image::find(asked.image));
  const image::ImageConfig config = STRATA_TRY(config_of(image));
  if (image.info.architecture != "amd64" && image.info.architecture != "i386")
    return fail(ErrorCode::unsupported, "the image {} is for {}: machines are amd64, and run i386 too", image.info.name,
                image.info.architecture);
  InitSpec spec;
  look_at_terminal(spec);
  spec.consoles = asked.console != ConsoleChoice::none;
  spec.program = choose_program(config, asked.program, spec.terminal);
  spec.hostname = asked.program.hostname.empty() ? hostname_of(image.info.name) : asked.program.hostname;
  spec.network = has_network(asked);
  const bool system = STRATA_TRY(boots_system(image, asked, spec.program));
  const bool named = asked.program.names_program();
  // Its initrd mounts the disk and starts its init; so does one that the user brings.
  const bool own_initrd =
      system && !named && (has_own_kernel(image) || (!asked.initrd.empty() && asked.boot == BootChoice::automatic));

  ImageMachine machine{std::move(asked)};
  MachineOptions& options = machine.options;
  STRATA_TRY(take_kernel(options, image));
  STRATA_TRY(take_disk(options, image));
  if (own_initrd) {
    if (!options.append) options.append = image.info.command_line;
    return machine;
  }
  if (system) choose_init(spec, named);
  machine.initrd_end = STRATA_TRY(initrd_with(spec));
  machine.is_one_program = !system;
  const std::string_view ours = system ? system_line : program_line;
  options.append = options.append ? fmt::format("{} {}", ours, *options.append) : std::string(ours);
  return machine;
}

}  // namespace strata::control
