// Board: saving and restoring of devices and RAM.
#include <algorithm>
#include <cstring>

#include "machine/pc/board.h"

namespace strata::machine::pc {
namespace {

bool is_zero(std::span<const std::byte> page) {
  return page[0] == std::byte{0} && std::memcmp(page.data(), page.data() + 1, page.size() - 1) == 0;
}

/// Pages that are not zero, each with its number in front; a number past the end closes.
void save_ram(devices::Writer& out, memory::Ram& ram) {
  out.enter("ram", 1);
  out.put(ram.size());
  for (uint64_t offset = 0; offset < ram.size(); offset += memory::page_size) {
    const auto page = std::span(ram.at(offset), memory::page_size);
    if (is_zero(page)) continue;
    out.put(offset);
    out.put_bytes(page);
  }
  out.put(ram.size());
  out.leave();
}

Result<void> restore_ram(devices::Reader& in, memory::Ram& ram) {
  STRATA_TRY(in.enter("ram", 1));
  if (const auto size = in.get<uint64_t>(); in.good() && size != ram.size()) {
    return fail(ErrorCode::bad_data, "saved state is of a machine with {} MiB of memory, this one has {} MiB",
                size >> 20, ram.size() >> 20);
  }
  uint64_t next = 0;  // pages come in order: what is left out is zero
  const auto clear_up_to = [&](uint64_t end) {
    for (; next < end; next += memory::page_size) {
      const auto page = std::span(ram.at(next), memory::page_size);
      if (!is_zero(page)) std::ranges::fill(page, std::byte{0});
    }
  };
  while (in.good()) {
    const auto offset = in.get<uint64_t>();
    if (in.good() && (offset % memory::page_size != 0 || offset < next || offset > ram.size())) {
      in.reject("a page of memory that does not exist");
    }
    if (!in.good()) break;
    clear_up_to(offset);
    if (offset == ram.size()) break;
    in.get_bytes(std::span(ram.at(offset), memory::page_size));
    next = offset + memory::page_size;
  }
  for (uint64_t offset = 0; offset < ram.size(); offset += memory::page_size) {
    ram.note_write(offset, memory::page_size);
  }
  return in.leave();
}

}  // namespace

void Board::save(devices::Writer& out) const {
  out.enter("board", 2);
  out.put(const_cast<MachineTimers&>(timers_).now());
  out.put(local_apics_.count());
  out.put(post_code_.code(), system_control_.value(), reset_control_.value());
  pci_.save(out);
  pit_.save(out);
  rtc_.save(out);
  com1_.save(out);
  acpi_pm_.save(out);
  keyboard_controller_.save(out);
  // The interrupt controllers last: restored, they forget what the lines did meanwhile.
  pic_.save(out);
  io_apic_.save(out);
  local_apics_.save(out);
  save_ram(out, *ram_);
  out.leave();
}

Result<void> Board::restore(devices::Reader& in) {
  const uint32_t version = STRATA_TRY(in.enter("board", 2));
  const auto time = in.get<uint64_t>();
  const unsigned cpus = version >= 2 ? in.get<unsigned>() : 1;
  if (in.good() && cpus != local_apics_.count()) {
    return fail(ErrorCode::bad_data, "saved state is of a machine with {} processors, this one has {}", cpus,
                local_apics_.count());
  }
  post_code_.write(0, 1, in.get<uint8_t>());
  system_control_.set_value(in.get<uint8_t>());
  reset_control_.set_value(in.get<uint8_t>());
  constexpr uint64_t longest = uint64_t{1} << 62;  // nanoseconds: a century and more
  timers_.set_now(std::min(time, longest));
  STRATA_TRY(pci_.restore(in));
  STRATA_TRY(pit_.restore(in));
  STRATA_TRY(rtc_.restore(in));
  STRATA_TRY(com1_.restore(in));
  STRATA_TRY(acpi_pm_.restore(in));
  STRATA_TRY(keyboard_controller_.restore(in));
  STRATA_TRY(pic_.restore(in));
  STRATA_TRY(io_apic_.restore(in));
  STRATA_TRY(local_apics_.restore(in));
  STRATA_TRY(restore_ram(in, *ram_));
  STRATA_TRY(in.leave());
  pci_.resume();  // now that the memory of their requests is back
  return {};
}

}  // namespace strata::machine::pc
