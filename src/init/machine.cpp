// The first process of a machine, from the initrd to the end.
#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

#include <string_view>

#include "init/files.h"
#include "init/message.h"
#include "init/network.h"
#include "init/program.h"
#include "init/relay.h"
#include "init/spec.h"
#include "init/supervise.h"
#include "init/system_call.h"
#include "init/users.h"

namespace strata::init {
namespace {

constexpr unsigned power_off_command = 0x4321fedc;  // reboot(2)
constexpr const char* root_folder = "/root";

/// Code 255 is for what is no program's own: the machine could not be made.
constexpr int not_made = 255;

/// What was printed has to leave the machine, by way of the consoles that we still have beside the program's pipes.
int consoles[] = {1, 2};

[[noreturn]] void end_machine(const Spec* spec, int code) {
  finish_relays();
  sys::kill(-1, SIGKILL);
  sys::sync();
  for (const int console : consoles) sys::control(console, TCSBRK, 1);  // tcdrain
  if (spec != nullptr && spec->exit_port && sys::allow_ports(*spec->exit_port, 4) == 0)
    asm volatile("outl %0, %w1" : : "a"(code), "d"(*spec->exit_port));
  sys::reboot(power_off_command);
  for (;;) sys::sleep({3600, 0});
}

[[noreturn]] void give_up(const Spec* spec, std::string_view what, std::string_view which, std::string_view why) {
  complain(what, which, why);
  end_machine(spec, not_made);
}

void mount_new(const char* type, const char* target, unsigned long flags, const char* data = nullptr) {
  sys::make_directory(target, 0755);
  const long result = sys::mount(type, target, type, flags, data);
  if (result != 0 && result != -EBUSY && result != -ENODEV) complain("mounting", target, result);
}

std::optional<Spec> read_machine_spec() {
  const std::span<char> content = read_file(spec_path);
  const std::size_t count = pointers_in({content.data(), content.size()});
  char** const pointers = static_cast<char**>(allocate(count * sizeof(char*)));
  if (pointers == nullptr) return std::nullopt;
  return read_spec(content, {pointers, count});
}

void load_module(const char* name) {
  TextBuffer<256> path;
  path << "/modules/" << name;
  const int fd = static_cast<int>(sys::open(path.text(), O_RDONLY | O_CLOEXEC));
  const long result = sys::load_module(fd);
  if (result != 0 && result != -EEXIST && result != -ENODEV) complain("loading", path, result);
  sys::close(fd);
  sys::remove(path.text());  // an initrd is memory
}

/// The driver may still be at it.
void await_device(const Spec& spec) {
  constexpr unsigned tries = 500;
  for (unsigned i = 0; i < tries; i++) {
    const long fd = sys::open(spec.root, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
      sys::close(static_cast<int>(fd));
      return;
    }
    sys::sleep({0, 10'000'000});
  }
  give_up(&spec, "root disk", spec.root, "it did not come up");
}

/// From the initrd into the root disk. Device files come along; the initrd's own files are gone.
void enter_root(const Spec& spec) {
  await_device(spec);
  sys::make_directory(root_folder, 0755);
  if (const long result = sys::mount(spec.root, root_folder, spec.type, 0, nullptr); result != 0)
    give_up(&spec, "mounting the root disk", spec.root, error_text(result));
  sys::change_directory(root_folder);
  sys::make_directory("dev", 0755);
  sys::mount("/dev", "dev", nullptr, MS_MOVE, nullptr);
  sys::remove(spec_path);
  sys::remove("/init");
  sys::mount(".", "/", nullptr, MS_MOVE, nullptr);
  sys::change_root(".");
  sys::change_directory("/");
  sys::remove_directory("/lost+found");  // the file system's own; no image has it
}

/// What programs expect beside their root file system. /run and /tmp are the image's own, if it has them, as in a
/// container: images keep folders there.
void mount_system() {
  constexpr unsigned long plain = MS_NOSUID | MS_NOEXEC | MS_NODEV;
  mount_new("proc", "/proc", plain);
  mount_new("sysfs", "/sys", plain);
  mount_new("cgroup2", "/sys/fs/cgroup", plain);
  mount_new("devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC, "mode=620,ptmxmode=666,gid=5");
  mount_new("tmpfs", "/dev/shm", MS_NOSUID | MS_NODEV, "mode=1777");
  mount_new("mqueue", "/dev/mqueue", plain);
  sys::make_link("/proc/self/fd", "/dev/fd");
  sys::make_link("/proc/self/fd/0", "/dev/stdin");
  sys::make_link("/proc/self/fd/1", "/dev/stdout");
  sys::make_link("/proc/self/fd/2", "/dev/stderr");
}

/// Keys that edit a line, but for the end of input.
constexpr int editing_keys[] = {VINTR, VQUIT,    VERASE,   VKILL,   VSTART, VSTOP, VSUSP,
                                VEOL,  VREPRINT, VDISCARD, VWERASE, VLNEXT, VEOL2};

void set_terminal_mode(int fd, const Spec& spec) {
  termios mode{};
  if (sys::control(fd, TCGETS, sys::word(&mode)) != 0) return;
  if (!spec.terminal) {  // what is printed goes out as it is; what comes in is nobody's typing
    mode.c_oflag &= ~static_cast<tcflag_t>(OPOST);
    mode.c_lflag &= ~static_cast<tcflag_t>(ISIG | ECHO | IEXTEN);
    mode.c_iflag &= ~static_cast<tcflag_t>(ICRNL | IXON);
    for (const int key : editing_keys) mode.c_cc[key] = 0;
  }
  sys::control(fd, TCSETS, sys::word(&mode));
  const winsize size{static_cast<unsigned short>(spec.rows), static_cast<unsigned short>(spec.columns), 0, 0};
  if (spec.rows != 0 && spec.columns != 0) sys::control(fd, TIOCSWINSZ, sys::word(&size));
}

/// Opens a terminal in the place of some of our descriptors. /dev/console cannot be a session's terminal, so the kernel's
/// console goes by its own name.
bool open_terminal(const char* path, const Spec& spec, int first, int last) {
  const int fd = static_cast<int>(sys::open(path, O_RDWR | O_NOCTTY));
  if (fd < 0) return false;
  set_terminal_mode(fd, spec);
  for (int standard = first; standard <= last; standard++) sys::dup_to(fd, standard);
  if (fd > last) sys::close(fd);
  return true;
}

void open_terminals(const Spec& spec) {
  if (spec.console != nullptr && open_terminal(spec.console, spec, 0, 2)) {
    sys::write(1, "", 1);  // now input may come
    if (spec.errors != nullptr) open_terminal(spec.errors, spec, 2, 2);
    return;
  }
  const std::span<char> active = read_file("/sys/class/tty/console/active");
  std::string_view names(active.data(), active.size()), last;
  names = take_until(names, '\n');
  while (!names.empty()) last = take_until(names, ' ');
  TextBuffer<64> path;
  path << "/dev/" << last;
  open_terminal(path.text(), spec, 0, 2);  // else /dev/console, which the kernel has opened for us
}

void set_names(const char* host_name) {
  if (host_name == nullptr) return;
  const std::string_view name(host_name);
  sys::set_host_name(name.data(), name.size());
  TextBuffer<512> text;
  text << name << "\n";
  write_system_file("/etc/hostname", text);
  TextBuffer<512> hosts;
  hosts << "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n127.0.1.1 " << name << "\n";
  write_system_file("/etc/hosts", hosts);
}

bool has_home(char** environment) {
  for (; *environment != nullptr; environment++)
    if (std::string_view(*environment).starts_with("HOME=")) return true;
  return false;
}

/// HOME is the user's, as container engines have it, where the image does not say otherwise.
char** with_home(char** environment, std::string_view home) {
  if (has_home(environment)) return environment;
  std::size_t count = 0;
  while (environment[count] != nullptr) count++;
  char** const all = static_cast<char**>(allocate((count + 2) * sizeof(char*)));
  static TextBuffer<512> variable;
  variable << "HOME=" << home;
  if (all == nullptr) return environment;
  for (std::size_t i = 0; i < count; i++) all[i] = environment[i];
  all[count] = const_cast<char*>(variable.text());
  return all;
}

int run_image_program(const Spec& spec) {
  const std::span<char> passwd = read_file("/etc/passwd"), group = read_file("/etc/group");
  const auto identity = find_identity(spec.user, {passwd.data(), passwd.size()}, {group.data(), group.size()});
  if (!identity) give_up(&spec, "user", spec.user, "the image has none of that name");
  bring_up_loopback();
  const long renewal = spec.network ? bring_up_network() : 0;
  if (!spec.terminal) {
    for (int& console : consoles) console = static_cast<int>(sys::dup_high(console));
    start_relays(identity->user, identity->group);
  }
  return supervise({.arguments = spec.arguments,
                    .environment = with_home(spec.environment, identity->home),
                    .directory = spec.directory,
                    .identity = &*identity,
                    .own_session = spec.terminal,
                    .first_turn = renewal,
                    .turn = renew_leases});
}

}  // namespace

void run_machine() {
  mount_new("devtmpfs", "/dev", MS_NOSUID);
  const auto spec = read_machine_spec();
  if (!spec) give_up(nullptr, "the file", spec_path, "it is missing or damaged");
  for_each_name("/modules", load_module);
  enter_root(*spec);
  if (spec->init != nullptr) {
    char* no_environment[] = {nullptr};
    char* just_init[] = {const_cast<char*>(spec->init), nullptr};
    char** const arguments = *spec->arguments != nullptr ? spec->arguments : just_init;
    const long error = sys::execute(spec->init, arguments, no_environment);
    give_up(&*spec, "starting", spec->init, error_text(error));
  }
  mount_system();
  open_terminals(*spec);
  set_names(spec->host_name);
  end_machine(&*spec, run_image_program(*spec));
}

}  // namespace strata::init
