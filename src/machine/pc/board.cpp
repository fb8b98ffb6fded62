// Board: making, wiring and mapping.
#include "machine/pc/board.h"

#include <algorithm>

#include "base/bits.h"
#include "machine/pc/acpi/tables.h"

namespace strata::machine::pc {
namespace {

constexpr uint64_t tick_rate = 1'000'000'000;

// RAM lies above whatever a guest maps over it; the IO-APIC's registers lie above RAM and all else.
constexpr int apic_priority = 10;

constexpr uint64_t mib = uint64_t{1} << 20;

// CMOS cells that firmware fills (the PC/AT's, and those that SeaBIOS and DOS read).
constexpr uint8_t cmos_shutdown = 0x0f;
constexpr uint8_t cmos_base_memory = 0x15;
constexpr uint8_t cmos_extended_memory = 0x17;
constexpr uint8_t cmos_extended_memory_2 = 0x30;
constexpr uint8_t cmos_memory_above_16m = 0x34;  // in 64 KiB
constexpr uint8_t cmos_memory_above_4g = 0x5b;   // in 64 KiB, three cells

}  // namespace

Result<std::unique_ptr<Board>> Board::make(iface::Timers& timers, memory::DeviceLock& lock, BoardOptions options) {
  constexpr uint64_t smallest = 2 * mib;
  constexpr uint64_t largest = uint64_t{1} << 40;
  options.memory = align_up(options.memory, memory::page_size);
  if (options.memory < smallest || options.memory > largest) {
    return fail(ErrorCode::usage, "memory of {} bytes: a PC has between 2M and 1T", options.memory);
  }
  if (options.cpus < 1 || options.cpus > most_processors)
    return fail(ErrorCode::usage, "{} processors: a PC has between 1 and {}", options.cpus, most_processors);
  auto ram = STRATA_TRY(memory::Ram::make(options.memory));
  std::lock_guard guard(lock);
  std::unique_ptr<Board> board(new Board(timers, lock, std::move(options), std::move(ram)));
  if (board->options_.pci_devices) board->pci_devices_ = STRATA_TRY(board->options_.pci_devices(board->pci_));
  return board;
}

Board::Board(iface::Timers& timers, memory::DeviceLock& lock, BoardOptions options, std::unique_ptr<memory::Ram> ram)
    : options_(std::move(options)),
      ram_(std::move(ram)),
      low_end_(std::min(options_.memory, pci_hole_base)),
      timers_(timers),
      space_(*ram_, lock),
      ports_(lock),
      local_apics_(options_.cpus, apic_bus_, pic_, timers_,
                   {.ticks = [this] { return timers_.now(); }, .rate = tick_rate}, space_),
      io_apic_(apic_bus_, io_apic_id),
      isa_lines_{IsaLine(*this, timer_irq), IsaLine(*this, com1_irq), IsaLine(*this, rtc_irq), IsaLine(*this, sci_irq)},
      pci_lines_{PciLine(*this, 0), PciLine(*this, 1), PciLine(*this, 2), PciLine(*this, 3)},
      pit_(timers_, isa_lines_[0]),
      rtc_(timers_, isa_lines_[2], options_.wall_clock),
      pm_timer_(timers_),
      com1_(isa_lines_[1], options_.console),
      acpi_pm_(isa_lines_[3], options_.request),
      keyboard_controller_(options_.request),
      debug_exit_(options_.request),
      system_control_(options_.request),
      reset_control_(options_.request),
      pci_(space_, ports_, apic_bus_),
      host_bridge_(pci_),
      isa_bridge_(pci_) {
  for (unsigned i = 0; i < pci_lines_.size(); ++i) pci_.connect_intx(i, pci_lines_[i]);
  pci_.on_reset_control(reset_control_);
  map_memory();
  map_ports();
}

Board::~Board() = default;

void Board::map_memory() {
  const auto add_ram = [this](const char* name, uint64_t base, uint64_t end, uint64_t offset) {
    if (end > base) {
      space_.add({.name = name, .base = base, .size = end - base, .kind = memory::Kind::ram, .ram_offset = offset});
    }
  };
  add_ram("conventional memory", 0, vga_base, 0);
  add_ram("shadow memory", option_rom_base, high_memory, option_rom_base);
  add_ram("memory below 4 GiB", high_memory, low_end_, high_memory);
  add_ram("memory above 4 GiB", four_gib, four_gib + (ram_->size() - low_end_), low_end_);

  space_.add({.name = "io-apic",
              .base = devices::IoApic::default_base,
              .size = devices::IoApic::page_size,
              .device = &io_apic_,
              .priority = apic_priority});
}

void Board::show_firmware(uint64_t size) {
  if (firmware_region_ != 0) space_.remove(firmware_region_);
  firmware_region_ = space_.add({.name = "firmware",
                                 .base = four_gib - size,
                                 .size = size,
                                 .kind = memory::Kind::rom,
                                 .ram_offset = high_memory - size});
}

void Board::map_ports() {
  ports_.add(pic_master_port, 2, pic_.master_ports());
  ports_.add(pic_slave_port, 2, pic_.slave_ports());
  ports_.add(pic_edge_level_port, 2, pic_.edge_level_ports());
  ports_.add(pit_port, 4, pit_.ports());
  ports_.add(speaker_port, 1, pit_.speaker_port());
  ports_.add(keyboard_data_port, 1, keyboard_controller_.data_port());
  ports_.add(keyboard_command_port, 1, keyboard_controller_.command_port());
  ports_.add(rtc_port, 2, rtc_);
  ports_.add(post_port, 1, post_code_);
  ports_.add(system_control_port, 1, system_control_);
  ports_.add(debug_exit_port, 4, debug_exit_);
  ports_.add(com1_port, devices::Uart16550::port_count, com1_);
  ports_.add(acpi_pm_port, devices::AcpiPm::port_count, acpi_pm_);
  ports_.add(pm_timer_port, 4, pm_timer_);
  ports_.add(pci_config_port, 8, pci_.config_ports());
}

void Board::IsaLine::set(bool level) {
  board.pic_.set_line(irq, level);
  board.io_apic_.set_pin(irq == timer_irq ? timer_pin : irq, level);
}

void Board::PciLine::set(bool to) {
  level = to;
  board.io_apic_.set_pin(first_pirq_pin + line, level);
  bool shared = false;
  for (const PciLine& other : board.pci_lines_) {
    if (pirq_irqs[other.line] == pirq_irqs[line]) shared = shared || other.level;
  }
  board.pic_.set_line(pirq_irqs[line], shared);
}

std::vector<MemoryRange> Board::memory_map() const {
  constexpr uint32_t usable = 1;
  constexpr uint32_t reserved = 2;
  std::vector<MemoryRange> map = {{0, conventional_end, usable},
                                  {conventional_end, vga_base - conventional_end, reserved},
                                  {acpi_tables_base, high_memory - acpi_tables_base, reserved},
                                  {high_memory, low_end_ - high_memory, usable},
                                  {devices::IoApic::default_base, four_gib - devices::IoApic::default_base, reserved}};
  if (ram_->size() > low_end_) map.push_back({four_gib, ram_->size() - low_end_, usable});
  return map;
}

void Board::reset() {
  pci_.reset();
  pit_.reset();
  rtc_.reset();
  com1_.reset();
  acpi_pm_.reset();
  keyboard_controller_.reset();
  system_control_.reset();
  reset_control_.reset();
  pic_.reset();
  io_apic_.reset();
  local_apics_.reset();
  write_firmware_state();
}

void Board::write_firmware_state() {
  pic_.edge_level_ports().write(0, 1, level_irqs & 0xff);
  pic_.edge_level_ports().write(1, 1, level_irqs >> 8);
  // Virtual wire, on the processor that boots: the PIC through LINT0, so that systems without APIC support get their interrupts; NMI through LINT1.
  devices::LocalApic& bootstrap = local_apics_[0];
  bootstrap.write(0x0f0, 4, 0x1ff);
  bootstrap.write(0x350, 4, 0x00700);
  bootstrap.write(0x360, 4, 0x00400);
  // Nothing is masked at the PIC after reset; as after the BIOS, everything is until a system asks.
  pic_.master_ports().write(1, 1, 0xff);
  pic_.slave_ports().write(1, 1, 0xff);

  pci_.assign_resources({.memory_base = std::max(low_end_, pci_hole_base),
                         .memory_size = pci_hole_end - pci_hole_base,
                         .io_base = pci_io_base,
                         .io_size = pci_io_size,
                         .irqs = pirq_irqs});

  const auto cell = [this](uint8_t index, uint64_t value, unsigned count) {
    for (unsigned i = 0; i < count; ++i)
      rtc_.set_cmos(static_cast<uint8_t>(index + i), static_cast<uint8_t>(value >> (8 * i)));
  };
  const uint64_t extended_kib = std::min<uint64_t>((low_end_ - mib) / 1024, 0xffff);
  cell(cmos_shutdown, 0, 1);
  cell(cmos_base_memory, 640, 2);
  cell(cmos_extended_memory, extended_kib, 2);
  cell(cmos_extended_memory_2, extended_kib, 2);
  cell(cmos_memory_above_16m, low_end_ > 16 * mib ? (low_end_ - 16 * mib) >> 16 : 0, 2);
  cell(cmos_memory_above_4g, (ram_->size() - low_end_) >> 16, 3);

  const std::vector<std::byte> tables = acpi::make_tables(acpi_tables_base, options_.cpus);
  space_.write(acpi_tables_base, tables);
}

}  // namespace strata::machine::pc
