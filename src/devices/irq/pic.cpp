// The 8259A, after Intel's data sheet (order number 231468).
#include "devices/irq/pic.h"

#include "base/bits.h"

namespace strata::devices {
namespace {

constexpr unsigned cascade_line = 2;
constexpr unsigned spurious_line = 7;

constexpr uint8_t bit(unsigned line) { return static_cast<uint8_t>(1u << line); }

}  // namespace

void Pic8259::set_line(unsigned line, bool level) {
  const bool is_level = all_level_ || test_bit(level_triggered_, line);
  const bool was = test_bit(levels_, line);
  levels_ = static_cast<uint8_t>(insert_bits(levels_, line, 1, level));
  // The request must stand until it is acknowledged, in edge mode too: a line that falls early takes it back.
  if (!level) {
    requests_ &= ~bit(line);
  } else if (is_level || !was) {
    requests_ |= bit(line);
  }
}

/// Of a set of lines the one with the highest priority, or -1.
int Pic8259::first(uint8_t lines) const {
  for (unsigned i = 1; i <= 8; ++i) {
    const unsigned line = (lowest_ + i) & 7;
    if (test_bit(lines, line)) return static_cast<int>(line);
  }
  return -1;
}

int Pic8259::highest_request() const {
  const int request = first(requests_ & ~mask_);
  if (request < 0) return -1;
  uint8_t blocking = in_service_;
  if (special_mask_) blocking &= ~mask_;
  // In special fully nested mode the slave may interrupt itself.
  if (fully_nested_ && master_) blocking &= ~bit(cascade_line);
  const int serviced = first(blocking);
  if (serviced >= 0 && rank(static_cast<unsigned>(serviced)) <= rank(static_cast<unsigned>(request))) return -1;
  return request;
}

void Pic8259::take(unsigned line) {
  const bool is_level = all_level_ || test_bit(level_triggered_, line);
  if (!is_level) requests_ &= ~bit(line);
  if (!auto_eoi_) {
    in_service_ |= bit(line);
  } else if (rotate_on_auto_eoi_) {
    lowest_ = static_cast<uint8_t>(line);
  }
}

unsigned Pic8259::acknowledge() {
  const int request = highest_request();
  if (request < 0) return spurious_line;
  take(static_cast<unsigned>(request));
  return static_cast<unsigned>(request);
}

uint8_t Pic8259::read(unsigned port) {
  if (poll_) {
    poll_ = false;
    const int request = highest_request();
    if (request < 0) return 0;
    take(static_cast<unsigned>(request));
    return static_cast<uint8_t>(0x80 | request);
  }
  if (port == 1) return mask_;
  return read_in_service_ ? in_service_ : requests_;
}

void Pic8259::write(unsigned port, uint8_t value) {
  if (port == 1) {
    if (expect_ == Expect::none) {
      mask_ = value;
    } else {
      write_next_icw(value);
    }
  } else if (test_bit(value, 4)) {
    write_icw1(value);
  } else if (test_bit(value, 3)) {
    write_ocw3(value);
  } else {
    write_ocw2(value);
  }
}

void Pic8259::write_icw1(uint8_t value) {
  // The edge sense circuit is reset: a line must rise again to be seen.
  requests_ = 0;
  in_service_ = mask_ = 0;
  lowest_ = 7;
  auto_eoi_ = rotate_on_auto_eoi_ = fully_nested_ = special_mask_ = poll_ = read_in_service_ = false;
  wants_icw4_ = test_bit(value, 0);
  single_ = test_bit(value, 1);
  all_level_ = test_bit(value, 3);
  for (unsigned line = 0; line < 8; ++line) {
    if (test_bit(levels_, line) && (all_level_ || test_bit(level_triggered_, line))) requests_ |= bit(line);
  }
  initializing_ = true;
  expect_ = Expect::icw2;
}

void Pic8259::write_next_icw(uint8_t value) {
  switch (expect_) {
    case Expect::icw2:
      base_ = value & 0xf8;
      expect_ = !single_ ? Expect::icw3 : wants_icw4_ ? Expect::icw4 : Expect::none;
      break;
    case Expect::icw3:  // the cascade is wired to line 2, whatever the guest says
      expect_ = wants_icw4_ ? Expect::icw4 : Expect::none;
      break;
    case Expect::icw4:
      auto_eoi_ = test_bit(value, 1);
      fully_nested_ = test_bit(value, 4);
      expect_ = Expect::none;
      break;
    case Expect::none: break;
  }
  initializing_ = expect_ != Expect::none;
}

void Pic8259::write_ocw2(uint8_t value) {
  const bool rotate = test_bit(value, 7);
  const bool specific = test_bit(value, 6);
  const bool eoi = test_bit(value, 5);
  unsigned line = value & 7;
  if (!eoi) {
    if (specific && rotate) lowest_ = static_cast<uint8_t>(line);  // set priority
    if (!specific) rotate_on_auto_eoi_ = rotate;
    return;
  }
  if (!specific) {
    const int serviced = first(special_mask_ ? in_service_ & ~mask_ : in_service_);
    if (serviced < 0) return;
    line = static_cast<unsigned>(serviced);
  }
  in_service_ &= ~bit(line);
  if (rotate) lowest_ = static_cast<uint8_t>(line);
}

void Pic8259::write_ocw3(uint8_t value) {
  if (test_bit(value, 6)) special_mask_ = test_bit(value, 5);
  if (test_bit(value, 2)) poll_ = true;
  if (test_bit(value, 1)) read_in_service_ = test_bit(value, 0);
}

void Pic8259::reset() {
  const uint8_t levels = levels_;  // the wires are their drivers' matter
  *this = Pic8259(master_);
  levels_ = levels;
}

void Pic8259::save(Writer& out) const {
  out.enter("8259", 1);
  out.put(levels_, requests_, in_service_, mask_, level_triggered_, base_, lowest_, expect_, initializing_, wants_icw4_,
          single_, all_level_, auto_eoi_, rotate_on_auto_eoi_, fully_nested_, special_mask_, poll_, read_in_service_);
  out.leave();
}

Result<void> Pic8259::restore(Reader& in) {
  STRATA_TRY(in.enter("8259", 1));
  in.get(levels_, requests_, in_service_, mask_, level_triggered_, base_, lowest_, expect_, initializing_, wants_icw4_,
         single_, all_level_, auto_eoi_, rotate_on_auto_eoi_, fully_nested_, special_mask_, poll_, read_in_service_);
  if (lowest_ > 7 || expect_ > Expect::icw4) in.reject("unknown priority or initialization step");
  lowest_ &= 7;
  return in.leave();
}

void Pic::set_line(unsigned line, bool level) {
  if (line >= 16 || line == cascade_line) return;
  if (line < 8) {
    master_.set_line(line, level);
  } else {
    slave_.set_line(line - 8, level);
  }
  update();
}

void Pic::update() {
  // The slave's output falls between two of its interrupts: the master must see each as an edge.
  master_.set_line(cascade_line, false);
  master_.set_line(cascade_line, slave_.output());
  if (changed_) changed_();
}

int Pic::acknowledge() {
  const unsigned line = master_.acknowledge();
  int vector = master_.vector(line);
  if (line == cascade_line) vector = slave_.vector(slave_.acknowledge());
  update();
  return vector;
}

void Pic::reset() {
  master_.reset();
  slave_.reset();
  update();
}

void Pic::save(Writer& out) const {
  out.enter("pic", 1);
  master_.save(out);
  slave_.save(out);
  out.leave();
}

Result<void> Pic::restore(Reader& in) {
  STRATA_TRY(in.enter("pic", 1));
  STRATA_TRY(master_.restore(in));
  STRATA_TRY(slave_.restore(in));
  STRATA_TRY(in.leave());
  if (changed_) changed_();
  return {};
}

uint64_t Pic::Ports::read(uint64_t offset, unsigned size) {
  if (size != 1) return low_mask(8 * size);
  const uint8_t value = chip.read(static_cast<unsigned>(offset & 1));
  pic.update();
  return value;
}

void Pic::Ports::write(uint64_t offset, unsigned, uint64_t value) {
  chip.write(static_cast<unsigned>(offset & 1), static_cast<uint8_t>(value));
  pic.update();
}

uint64_t Pic::EdgeLevelPorts::read(uint64_t offset, unsigned) {
  return offset == 0 ? pic.master_.edge_level() : pic.slave_.edge_level();
}

void Pic::EdgeLevelPorts::write(uint64_t offset, unsigned, uint64_t value) {
  (offset == 0 ? pic.master_ : pic.slave_).set_edge_level(static_cast<uint8_t>(value));
}

}  // namespace strata::devices
