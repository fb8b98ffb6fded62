// Board: the devices of the PC, where they stand and how they are wired; everything but processor and run control.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/result.h"
#include "devices/irq/apic_bus.h"
#include "devices/irq/io_apic.h"
#include "devices/irq/pic.h"
#include "devices/pci/host_bridge.h"
#include "devices/pci/pci.h"
#include "devices/saved_state.h"
#include "devices/serial/uart16550.h"
#include "devices/system/acpi_pm.h"
#include "devices/system/i8042.h"
#include "devices/system/machine_request.h"
#include "devices/system/system_ports.h"
#include "devices/timer/pit.h"
#include "devices/timer/pm_timer.h"
#include "devices/timer/rtc.h"
#include "iface/clock.h"
#include "iface/console.h"
#include "machine/pc/layout.h"
#include "machine/pc/local_apics.h"
#include "machine/pc/machine_timers.h"
#include "memory/address_space.h"

namespace strata::machine::pc {

/// Makes the PCI devices that a user asked for, once the bus is there. The board owns them.
using PciDevices = std::function<Result<std::vector<std::unique_ptr<devices::PciDevice>>>(devices::PciBus&)>;

struct BoardOptions {
  uint64_t memory = 0;  ///< bytes
  unsigned cpus = 1;
  iface::Console* console = nullptr;  ///< COM1; nullptr: nothing plugged in
  devices::Rtc::WallClock wall_clock;
  devices::RequestMachine request;
  PciDevices pci_devices;  ///< may be empty
};

/// What a firmware would report of the memory map (e820 types: 1 usable, 2 reserved, 3 ACPI).
struct MemoryRange {
  uint64_t base;
  uint64_t size;
  uint32_t type;
};

/// Everything with the device lock held, but for what says otherwise.
class Board {
 public:
  /// Fails when the host has not that much memory. `timers` and `lock` outlive the board.
  static Result<std::unique_ptr<Board>> make(iface::Timers& timers, memory::DeviceLock& lock, BoardOptions options);
  ~Board();

  memory::AddressSpace& memory() { return space_; }
  memory::PortSpace& ports() { return ports_; }
  memory::Ram& ram() { return *ram_; }
  devices::PciBus& pci() { return pci_; }
  LocalApics& local_apics() { return local_apics_; }
  devices::AcpiPm& acpi_pm() { return acpi_pm_; }
  devices::Rtc& rtc() { return rtc_; }
  MachineTimers& timers() { return timers_; }
  uint8_t post_code() const { return post_code_.code(); }

  /// Shows the last `size` bytes below 1 MiB below 4 GiB too, read-only: where the processor finds its reset vector.
  void show_firmware(uint64_t size);

  uint64_t low_memory_end() const { return low_end_; }  ///< of RAM below 4 GiB
  std::vector<MemoryRange> memory_map() const;

  /// Power-on state of all devices, and what firmware would have set up after it: interrupt lines, PCI addresses, CMOS,
  /// ACPI tables. RAM stays as it is otherwise.
  void reset();

  /// Devices and RAM, from the same kind of board: equal memory size and the same PCI devices.
  void save(devices::Writer& out) const;
  Result<void> restore(devices::Reader& in);

 private:
  /// An ISA interrupt line: to the PIC and to the IO-APIC.
  struct IsaLine final : iface::IrqLine {
    IsaLine(Board& owner, unsigned number) : board(owner), irq(number) {}
    void set(bool level) override;
    Board& board;
    unsigned irq;
  };
  /// A PCI interrupt line: to a pin of its own at the IO-APIC, to a shared line at the PIC.
  struct PciLine final : iface::IrqLine {
    explicit PciLine(Board& owner, unsigned number) : board(owner), line(number) {}
    void set(bool to) override;
    Board& board;
    unsigned line;
    bool level = false;
  };

  Board(iface::Timers& timers, memory::DeviceLock& lock, BoardOptions options, std::unique_ptr<memory::Ram> ram);
  void map_memory();
  void map_ports();
  void write_firmware_state();

  BoardOptions options_;
  std::unique_ptr<memory::Ram> ram_;
  uint64_t low_end_;
  MachineTimers timers_;
  memory::AddressSpace space_;
  memory::PortSpace ports_;

  devices::ApicBus apic_bus_;
  devices::Pic pic_;
  LocalApics local_apics_;
  devices::IoApic io_apic_;
  std::array<IsaLine, 4> isa_lines_;  ///< timer, COM1, RTC, SCI
  std::array<PciLine, 4> pci_lines_;

  devices::Pit pit_;
  devices::Rtc rtc_;
  devices::PmTimer pm_timer_;
  devices::Uart16550 com1_;
  devices::AcpiPm acpi_pm_;
  devices::I8042 keyboard_controller_;
  devices::DebugExit debug_exit_;
  devices::PostCode post_code_;
  devices::SystemControlA system_control_;
  devices::ResetControl reset_control_;

  devices::PciBus pci_;
  devices::HostBridge host_bridge_;
  devices::IsaBridge isa_bridge_;
  std::vector<std::unique_ptr<devices::PciDevice>> pci_devices_;
  memory::AddressSpace::RegionId firmware_region_ = 0;
};

}  // namespace strata::machine::pc
