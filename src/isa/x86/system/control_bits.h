// The bits of the control registers and EFER that Strata's x86 knows (SDM vol. 3, 2.5).
#pragma once

#include <cstdint>

namespace strata::isa::x86 {

struct Cr0 {
  static constexpr uint64_t pe = 1u << 0, mp = 1u << 1, em = 1u << 2, ts = 1u << 3, et = 1u << 4, ne = 1u << 5,
                            wp = 1u << 16, am = 1u << 18, nw = 1u << 29, cd = 1u << 30, pg = 1u << 31;
};

struct Cr4 {
  static constexpr uint64_t vme = 1u << 0, pvi = 1u << 1, tsd = 1u << 2, de = 1u << 3, pse = 1u << 4, pae = 1u << 5,
                            mce = 1u << 6, pge = 1u << 7, pce = 1u << 8, osfxsr = 1u << 9, osxmmexcpt = 1u << 10,
                            umip = 1u << 11, fsgsbase = 1u << 16, pcide = 1u << 17, osxsave = 1u << 18, smep = 1u << 20,
                            smap = 1u << 21;
  static constexpr uint64_t known =
      tsd | de | pse | pae | mce | pge | pce | osfxsr | osxmmexcpt | umip | fsgsbase | pcide | osxsave | smep | smap;
};

struct Efer {
  static constexpr uint64_t sce = 1u << 0, lme = 1u << 8, lma = 1u << 10, nxe = 1u << 11, automatic_ibrs = 1u << 21;
};

}  // namespace strata::isa::x86
