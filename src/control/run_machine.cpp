// A machine in the foreground: what it is made of, how it runs, how it ends.
#include "control/run_machine.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <mutex>
#include <optional>

#include "base/event_loop.h"
#include "base/unique_fd.h"
#include "control/boot_files.h"
#include "control/counted_run.h"
#include "control/figure_table.h"
#include "control/host_timers.h"
#include "control/host_use.h"
#include "control/image_machine.h"
#include "control/quantity.h"
#include "control/terminal_console.h"
#include "control/translator_view.h"
#include "devices/virtio/blk/blk.h"
#include "devices/virtio/console/console.h"
#include "devices/virtio/core/virtio_pci.h"
#include "devices/virtio/net/net.h"
#include "devices/virtio/rng/host_entropy.h"
#include "devices/virtio/rng/rng.h"
#include "machine/pc/engines.h"
#include "machine/pc/pc.h"
#include "network/switch_net.h"
#include "network/user_net.h"
#include "storage/disk.h"

namespace strata::control {
namespace {

using machine::pc::MachineExit;
using machine::pc::MachineExitReason;

/// Work of storage and network: on the loop's thread, with the device lock held.
class LockedExecutor final : public iface::Executor {
 public:
  LockedExecutor(EventLoop& loop, memory::DeviceLock& lock) : loop_(loop), lock_(lock) {}
  void post(std::function<void()> task) override {
    loop_.post([this, task = std::move(task)] {
      std::lock_guard guard(lock_);
      task();
    });
  }

 private:
  EventLoop& loop_;
  memory::DeviceLock& lock_;
};

/// A network card, and where its cable goes.
struct Card {
  std::unique_ptr<iface::NetPort> port;
  devices::virtio::NetOptions options;
};

/// Everything that a machine is made of, in the order in which it may be destroyed from the end.
class Runner {
 public:
  static Result<std::unique_ptr<Runner>> make(const MachineOptions& options);
  ~Runner();
  Result<int> run();

 private:
  explicit Runner(ImageMachine image, std::unique_ptr<EventLoop> loop)
      : image_(std::move(image)),
        options_(image_.options),
        loop_(std::move(loop)),
        timers_(*loop_, lock_),
        executor_(*loop_, lock_) {}

  Result<void> open_disks();
  Result<void> open_networks();
  Result<void> open_user_net(const NetChoice& net);
  Result<void> open_switch_net(const NetChoice& net);
  Result<void> open_console();
  Result<void> build_machine();
  Result<void> watch_outside();
  Result<std::vector<std::unique_ptr<devices::PciDevice>>> make_devices(devices::PciBus& bus);
  Result<machine::pc::VcpuFactory> engine() const;
  void end(int code, std::string why);
  Result<int> ended(const MachineExit& exit);
  void print_stats();

  const ImageMachine image_;
  const MachineOptions& options_;  ///< of image_
  std::unique_ptr<EventLoop> loop_;
  memory::DeviceLock lock_;
  HostTimers timers_;
  LockedExecutor executor_;
  devices::virtio::HostEntropy entropy_;
  std::vector<Card> cards_;
  std::unique_ptr<TerminalConsole> console_;
  ErrorConsole errors_;
  std::vector<std::unique_ptr<engine::UnitObserver>> observers_;
  std::unique_ptr<machine::pc::Pc> pc_;
  std::vector<std::unique_ptr<iface::BlockStore>> disks_;  // destroyed before the devices: their callbacks come still
  std::optional<SignalWatch> signals_;
  std::optional<LoopTimer> timeout_;
  const HostUse host_use_;

  std::mutex end_mutex_;
  std::optional<int> end_code_;  ///< set by whoever ends the machine from outside
  std::string end_reason_;
};

Result<std::unique_ptr<Runner>> Runner::make(const MachineOptions& asked) {
  ImageMachine image = STRATA_TRY(machine_of_image(asked));
  auto loop = STRATA_TRY(EventLoop::make());
  std::unique_ptr<Runner> runner(new Runner(std::move(image), std::move(loop)));
  STRATA_TRY(runner->open_disks());
  STRATA_TRY(runner->open_networks());
  STRATA_TRY(runner->open_console());
  runner->observers_ = STRATA_TRY(make_observers(runner->options_));
  STRATA_TRY(runner->build_machine());
  STRATA_TRY(runner->watch_outside());
  return runner;
}

Runner::~Runner() {
  loop_->stop();
  loop_->join();
  std::lock_guard guard(lock_);
  disks_.clear();
  pc_.reset();
  cards_.clear();
}

Result<void> Runner::open_disks() {
  for (const DiskChoice& disk : options_.disks) {
    disks_.push_back(STRATA_TRY(storage::open_disk(disk.path, {disk.read_only, disk.snapshot}, executor_)));
  }
  return {};
}

Result<void> Runner::open_networks() {
  std::vector<NetChoice> wanted = options_.nets;
  if (wanted.empty()) wanted.push_back({.kind = NetChoice::Kind::user});
  for (const NetChoice& net : wanted) {
    if (net.kind == NetChoice::Kind::user) STRATA_TRY(open_user_net(net));
    if (net.kind == NetChoice::Kind::network) STRATA_TRY(open_switch_net(net));
  }
  return {};
}

Result<void> Runner::open_user_net(const NetChoice& net) {
  network::UserNetOptions user;
  for (const std::string& forward : net.forwards) user.forwards.push_back(STRATA_TRY(network::parse_forward(forward)));
  Card card;
  card.options.mac[5] = static_cast<uint8_t>(card.options.mac[5] + cards_.size());
  card.port = STRATA_TRY(network::UserNet::make(user, *loop_, executor_));
  cards_.push_back(std::move(card));
  return {};
}

Result<void> Runner::open_switch_net(const NetChoice& net) {
  const std::string name = net.port.empty() ? fmt::format("machine-{}", getpid()) : net.port;
  const network::MachineAttachment attachment = {.network = net.network, .machine = name, .settings = net.settings};
  auto port = STRATA_TRY(network::SwitchNet::make(attachment, *loop_, executor_));
  Card card;
  net.mac.value_or(random_mac()).store(std::as_writable_bytes(std::span(card.options.mac)).data());
  card.options.mtu = port->mtu();
  card.port = std::move(port);
  cards_.push_back(std::move(card));
  return {};
}

Result<void> Runner::open_console() {
  if (options_.console == ConsoleChoice::none) return {};
  const ConsoleOf whose = image_.is_one_program ? ConsoleOf::program : ConsoleOf::machine;
  console_ = STRATA_TRY(TerminalConsole::make(*loop_, lock_, whose, [this] { end(0, "left the machine"); }));
  return {};
}

Result<machine::pc::VcpuFactory> Runner::engine() const {
  machine::pc::EngineOptions engine;
  engine.model = options_.cpu;
  if (options_.trace.run) engine.trace = options_.cpus > 1 ? print_numbered_step : print_step;
  for (const auto& observer : observers_) engine.observers.push_back(observer.get());
  switch (options_.engine) {
    case EngineChoice::kvm: return machine::pc::kvm_engine();
    case EngineChoice::jit: return machine::pc::jit_engine(engine);
    case EngineChoice::interp: return machine::pc::interp_engine(engine);
    default: return machine::pc::automatic_engine(engine);
  }
}

Result<std::vector<std::unique_ptr<devices::PciDevice>>> Runner::make_devices(devices::PciBus& bus) {
  using namespace devices::virtio;
  std::vector<std::unique_ptr<devices::PciDevice>> made;
  const auto plug = [&](std::unique_ptr<Device> device) {
    made.push_back(std::make_unique<VirtioPci>(bus, std::nullopt, std::move(device)));
  };
  for (size_t i = 0; i < disks_.size(); i++) {
    plug(std::make_unique<Blk>(bus.memory(), *disks_[i], fmt::format("strata-disk-{}", i)));
  }
  for (const Card& card : cards_) plug(std::make_unique<Net>(bus.memory(), *card.port, card.options));
  plug(std::make_unique<Rng>(bus.memory(), entropy_));
  if (image_.is_one_program && console_) {  // in the order of program_console and errors_console
    plug(std::make_unique<Console>(bus.memory(), *console_));
    plug(std::make_unique<Console>(bus.memory(), errors_));
  }
  return made;
}

Result<void> Runner::build_machine() {
  machine::pc::PcOptions pc;
  pc.memory = options_.memory;
  pc.cpus = options_.cpus;
  pc.make_vcpus = STRATA_TRY(engine());
  pc.timers = &timers_;
  pc.lock = &lock_;
  pc.console = console_.get();
  if (image_.is_one_program) pc.console = &errors_;  // the kernel's last words
  pc.boot = STRATA_TRY(read_boot_files(options_, image_.initrd_end));
  pc.pci_devices = [this](devices::PciBus& bus) { return make_devices(bus); };
  pc_ = STRATA_TRY(with_context(machine::pc::Pc::make(std::move(pc)), "starting {}", options_.kernel));
  return {};
}

Result<void> Runner::watch_outside() {
  signals_ = STRATA_TRY(SignalWatch::make(*loop_, {SIGINT, SIGTERM, SIGHUP}, [this](int number) {
    end(static_cast<int>(ExitCode::work_failed), fmt::format("stopped by {}", strsignal(number)));
  }));
  if (options_.timeout_seconds) {
    timeout_.emplace(*loop_, [this] {
      end(static_cast<int>(ExitCode::timed_out), fmt::format("stopped after {} seconds", *options_.timeout_seconds));
    });
    timeout_->set_after(std::chrono::seconds(*options_.timeout_seconds));
  }
  return loop_->start();
}

/// From the loop's thread: the first reason wins.
void Runner::end(int code, std::string why) {
  {
    std::lock_guard guard(end_mutex_);
    if (!end_code_) {
      end_code_ = code;
      end_reason_ = std::move(why);
    }
  }
  pc_->stop();
}

Result<int> Runner::ended(const MachineExit& exit) {
  switch (exit.reason) {
    case MachineExitReason::stopped: {
      std::lock_guard guard(end_mutex_);
      fmt::print(stderr, "strata: {}\n", end_reason_);
      return end_code_.value_or(0);
    }
    case MachineExitReason::power_off: return 0;
    // isa-debug-exit makes (value << 1) | 1 of what is written; our first process writes the program's own code.
    case MachineExitReason::debug_exit: return static_cast<int>(image_.is_one_program ? exit.code >> 1 : exit.code);
    case MachineExitReason::halted: return fail("the guest halted with interrupts off: nothing can wake it");
    case MachineExitReason::reset: return fail("the guest started its machine anew, as kernels do that cannot go on");
    case MachineExitReason::shutdown: return fail("the guest's processor gave up (triple fault)\n{}", exit.message);
    default: return fail("{}", exit.message);
  }
}

Result<int> Runner::run() {
  for (;;) {
    const MachineExit exit = pc_->run();
    if (exit.reason == MachineExitReason::reset && !image_.is_one_program) {
      STRATA_TRY(pc_->reset());
      continue;
    }
    loop_->stop();
    loop_->join();
    if (console_) console_->give_back();  // before anything is printed
    if (options_.stats) print_stats();
    return ended(exit);
  }
}

void Runner::print_stats() {
  memory::Ram& ram = pc_->board().memory().ram();
  std::vector<iface::Figure> figures = host_use_.figures({ram.data(), ram.size()});
  for (iface::Figure& figure : pc_->figures()) figures.push_back(std::move(figure));
  fmt::print(stderr, "{}", figure_table(figures));
}

}  // namespace

Result<int> run_machine(const MachineOptions& options) {
  if (options.icount || options.engine == EngineChoice::lockstep) return run_counted(options);
  auto runner = STRATA_TRY(Runner::make(options));
  return runner->run();
}

}  // namespace strata::control
