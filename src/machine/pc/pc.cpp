// Pc: making, booting, running.
#include "machine/pc/pc.h"

#include <algorithm>
#include <chrono>

#include "base/assert.h"
#include "base/bits.h"
#include "machine/pc/boot/loader.h"

namespace strata::machine::pc {
namespace {

constexpr uint64_t tick_rate = 1'000'000'000;
constexpr uint64_t interrupt_flag = 1 << 9;

int64_t host_utc() {
  using namespace std::chrono;
  return duration_cast<nanoseconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace

Pc::Pc(PcOptions options) : options_(std::move(options)) {}

Pc::~Pc() {
  // Devices call back into this object; none may while it goes away.
  std::lock_guard guard(*options_.lock);
  vcpu_.reset();
  board_.reset();
}

Result<std::unique_ptr<Pc>> Pc::make(PcOptions options) {
  std::unique_ptr<Pc> pc(new Pc(std::move(options)));
  STRATA_TRY(pc->build());
  STRATA_TRY(pc->reset());
  return pc;
}

Result<void> Pc::build() {
  constexpr size_t largest_firmware = size_t{256} << 10;
  if (options_.firmware.size() > largest_firmware || options_.firmware.size() % memory::page_size != 0) {
    return fail(ErrorCode::bad_data, "the firmware has {} bytes: at most 262144, a multiple of 4096, are possible",
                options_.firmware.size());
  }
  board_ =
      STRATA_TRY(Board::make(*options_.timers, *options_.lock,
                             {.memory = options_.memory,
                              .cpus = options_.cpus,
                              .console = options_.console,
                              .wall_clock = options_.wall_clock ? options_.wall_clock : host_utc,
                              .request = [this](devices::MachineRequest what, uint32_t code) { request(what, code); },
                              .pci_devices = std::move(options_.pci_devices)}));
  vcpu_ = STRATA_TRY(options_.make_vcpu({.memory = board_->memory(),
                                         .ports = board_->ports(),
                                         .interrupts = board_->local_apic(),
                                         .ticks = [timers = &board_->timers()] { return timers->now(); },
                                         .tick_rate = tick_rate,
                                         .number = 0}));
  board_->on_interrupt_change([this] {
    vcpu_->interrupt_changed();
    wake();
  });
  return {};
}

Result<void> Pc::reset() {
  {
    std::lock_guard guard(*options_.lock);
    board_->reset();
    vcpu_->reset();
  }
  {
    std::lock_guard guard(wait_mutex_);
    request_.reset();
  }
  return load();
}

Result<void> Pc::load() {
  std::lock_guard guard(*options_.lock);
  if (!options_.firmware.empty()) load_firmware();
  if (options_.boot) return load_kernel(*options_.boot);
  return {};
}

Result<void> Pc::load_kernel(const DirectBoot& boot) {
  boot::Target target{.memory = board_->memory(),
                      .low_memory_end = board_->low_memory_end(),
                      .memory_map = board_->memory_map(),
                      .rsdp = acpi_tables_base};
  const auto registers =
      STRATA_TRY(boot::load(target, {.kernel = boot.kernel, .initrd = boot.initrd, .command_line = boot.command_line}));
  vcpu_->set_registers(registers);
  return {};
}

/// Ends at 1 MiB, where the board also shows it below 4 GiB.
void Pc::load_firmware() {
  board_->memory().write(high_memory - options_.firmware.size(), options_.firmware);
  board_->show_firmware(options_.firmware.size());
}

void Pc::request(devices::MachineRequest what, uint32_t code) {
  MachineExit exit{.reason = MachineExitReason::power_off, .code = code, .message = {}};
  if (what == devices::MachineRequest::reset) exit.reason = MachineExitReason::reset;
  if (what == devices::MachineRequest::debug_exit) exit.reason = MachineExitReason::debug_exit;
  {
    std::lock_guard guard(wait_mutex_);
    if (!request_) request_ = std::move(exit);  // the first word counts
  }
  vcpu_->kick();
  wake();
}

std::optional<MachineExit> Pc::take_request() {
  std::lock_guard guard(wait_mutex_);
  if (request_) return std::exchange(request_, std::nullopt);
  if (!stop_) return std::nullopt;
  stop_ = false;
  return MachineExit{};
}

void Pc::wake() {
  // The mutex, though nothing is changed under it: the sleeper may stand between its look and its sleep.
  { std::lock_guard guard(wait_mutex_); }
  work_.notify_all();
}

void Pc::wait_for_work() {
  std::unique_lock guard(wait_mutex_);
  work_.wait(guard, [this] { return stop_ || request_ || vcpu_->runnable(); });
}

/// What of a processor's exit, or of a request made meanwhile, is the machine's.
std::optional<MachineExit> Pc::take_exit(iface::Exit exit) {
  if (auto asked = take_request()) return asked;
  switch (exit.reason) {
    case iface::ExitReason::halted:
    case iface::ExitReason::interrupted:
    case iface::ExitReason::debug: return std::nullopt;
    case iface::ExitReason::shutdown:
      return MachineExit{.reason = MachineExitReason::shutdown, .code = 0, .message = vcpu_->describe()};
    case iface::ExitReason::failed:
      return MachineExit{.reason = MachineExitReason::failed, .code = 0, .message = std::move(exit.message)};
  }
  STRATA_UNREACHABLE();
}

MachineExit Pc::run() {
  for (;;) {
    if (auto exit = take_request()) return *std::move(exit);
    iface::Exit exit = vcpu_->run();
    const bool halted = exit.reason == iface::ExitReason::halted;
    if (auto ours = take_exit(std::move(exit))) return *std::move(ours);
    if (!halted) continue;
    if ((vcpu_->registers().rflags & interrupt_flag) == 0 && !vcpu_->runnable())
      return {.reason = MachineExitReason::halted, .code = 0, .message = vcpu_->describe()};
    wait_for_work();
  }
}

Pc::Step Pc::run_until(uint64_t insns) {
  if (auto exit = take_request()) return {.exit = std::move(exit)};
  iface::Exit exit = vcpu_->run_until(insns);
  const bool halted = exit.reason == iface::ExitReason::halted;
  return {.exit = take_exit(std::move(exit)), .halted = halted};
}

void Pc::stop() {
  {
    std::lock_guard guard(wait_mutex_);
    stop_ = true;
  }
  vcpu_->kick();
  work_.notify_all();
}

void Pc::press_power_button() {
  std::lock_guard guard(*options_.lock);
  board_->acpi_pm().press_power_button();
}

Result<std::vector<std::byte>> Pc::save() {
  std::lock_guard guard(*options_.lock);
  const auto processor = STRATA_TRY(vcpu_->save());
  devices::Writer out;
  out.enter("pc", 1);
  board_->save(out);
  out.put_block(processor);
  out.leave();
  return out.take();
}

Result<void> Pc::restore(std::span<const std::byte> blob) {
  constexpr uint64_t largest_processor = uint64_t{1} << 20;
  std::lock_guard guard(*options_.lock);
  devices::Reader in(blob);
  STRATA_TRY(in.enter("pc", 1));
  STRATA_TRY(board_->restore(in));
  const auto processor = in.get_block(largest_processor);
  STRATA_TRY(in.leave());
  return vcpu_->restore(processor);
}

}  // namespace strata::machine::pc
