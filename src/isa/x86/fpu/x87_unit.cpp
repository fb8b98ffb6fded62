// The exchange of the whole x87 state between State and the host's unit.
#include "isa/x86/fpu/x87_unit.h"

#include "base/float_stack.h"

namespace strata::isa::x86::x87_unit {

void load(Cpu& cpu) {
  X87& x = cpu.state.x87;
  if (x.place == X87Place::unit) return;
  float_stack::Image image = {};
  image.control = x.control | exceptions;
  image.status = x.status & 0x7f7fu;  // without ES and B, which follow from the masks
  const unsigned top = x.status >> 11 & 7;
  for (unsigned i = 0; i < 8; i++) {
    if (!(x.valid >> i & 1)) image.tags |= 3u << (2 * i);
    const X87Register& from = x.physical[(top + i) & 7];
    image.st[i] = {from.significand, from.sign_exponent};
  }
  float_stack::put(image);
  x.place = X87Place::unit;
}

void unload(Cpu& cpu) {
  X87& x = cpu.state.x87;
  const X87Place place = x.place;
  x.place = X87Place::memory;
  if (place != X87Place::unit) return;
  const float_stack::Image image = float_stack::take();
  x.status = summarized(static_cast<uint16_t>(image.status), x.control);
  const unsigned top = x.status >> 11 & 7;
  x.valid = 0;
  for (unsigned i = 0; i < 8; i++) {
    if ((image.tags >> (2 * i) & 3) != 3) x.valid |= static_cast<uint8_t>(1u << i);
    x.physical[(top + i) & 7] = {image.st[i].significand, image.st[i].sign_exponent};
  }
}

}  // namespace strata::isa::x86::x87_unit
