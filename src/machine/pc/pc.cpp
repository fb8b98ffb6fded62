// Pc: making, booting, saving.
#include "machine/pc/pc.h"

#include <algorithm>
#include <chrono>

#include "base/assert.h"
#include "base/bits.h"
#include "machine/pc/boot/loader.h"

namespace strata::machine::pc {
namespace {

constexpr uint64_t tick_rate = 1'000'000'000;

int64_t host_utc() {
  using namespace std::chrono;
  return duration_cast<nanoseconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace

Pc::Pc(PcOptions options) : options_(std::move(options)) {}

Pc::~Pc() {
  // Devices call back into this object; none may while it goes away.
  std::lock_guard guard(*options_.lock);
  processors_.reset();
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
  STRATA_TRY(make_processors());
  for (unsigned number = 0; number < processors_->count(); ++number) connect(number);
  return {};
}

Result<void> Pc::make_processors() {
  VcpuWiring wiring{.memory = board_->memory(),
                    .ports = board_->ports(),
                    .interrupts = {},
                    .ticks = [timers = &board_->timers()] { return timers->now(); },
                    .tick_rate = tick_rate};
  LocalApics& apics = board_->local_apics();
  for (unsigned number = 0; number < apics.count(); ++number) wiring.interrupts.push_back(&apics[number]);
  processors_ = std::make_unique<Processors>(STRATA_TRY(options_.make_vcpus(wiring)));
  return {};
}

/// What a local APIC has for its processor wakes it, too.
void Pc::connect(unsigned number) {
  const auto tell = [processors = processors_.get(), number](auto&& what) {
    what((*processors)[number]);
    processors->wake(number);
  };
  board_->local_apics().connect(
      number, {.changed = [tell] { tell([](iface::X86Vcpu& vcpu) { vcpu.interrupt_changed(); }); },
               .nmi = [tell] { tell([](iface::X86Vcpu& vcpu) { vcpu.nmi(); }); },
               .init = [tell] { tell([](iface::X86Vcpu& vcpu) { vcpu.init_signal(); }); },
               .start_up = [tell](uint8_t page) { tell([page](iface::X86Vcpu& vcpu) { vcpu.start_up(page); }); },
               .moved = {}});
}

Result<void> Pc::reset() {
  {
    std::lock_guard guard(*options_.lock);
    board_->reset();
    for (unsigned number = 0; number < processors_->count(); ++number) vcpu(number).reset();
  }
  processors_->forget_end();
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
  vcpu().set_registers(registers);
  return {};
}

/// Ends at 1 MiB, where the board also shows it below 4 GiB.
void Pc::load_firmware() {
  board_->memory().write(high_memory - options_.firmware.size(), options_.firmware);
  board_->show_firmware(options_.firmware.size());
}

void Pc::request(devices::MachineRequest what, uint32_t code) {
  MachineExitReason reason = MachineExitReason::power_off;
  if (what == devices::MachineRequest::reset) reason = MachineExitReason::reset;
  if (what == devices::MachineRequest::debug_exit) reason = MachineExitReason::debug_exit;
  processors_->end({.reason = reason, .code = code});
}

void Pc::press_power_button() {
  std::lock_guard guard(*options_.lock);
  board_->acpi_pm().press_power_button();
}

Result<std::vector<std::byte>> Pc::save() {
  std::lock_guard guard(*options_.lock);
  devices::Writer out;
  out.enter("pc", 1);
  board_->save(out);
  for (unsigned number = 0; number < processors_->count(); ++number) out.put_block(STRATA_TRY(vcpu(number).save()));
  out.leave();
  return out.take();
}

Result<void> Pc::restore(std::span<const std::byte> blob) {
  constexpr uint64_t largest_processor = uint64_t{1} << 20;
  std::lock_guard guard(*options_.lock);
  devices::Reader in(blob);
  STRATA_TRY(in.enter("pc", 1));
  STRATA_TRY(board_->restore(in));
  std::vector<std::span<const std::byte>> processors;
  for (unsigned number = 0; number < processors_->count(); ++number)
    processors.push_back(in.get_block(largest_processor));
  STRATA_TRY(in.leave());
  for (unsigned number = 0; number < processors_->count(); ++number)
    STRATA_TRY(vcpu(number).restore(processors[number]));
  return {};
}

}  // namespace strata::machine::pc
