// Tests of the table of figures, and of the memory that a process has.
#include "control/figure_table.h"

#include <gtest/gtest.h>

#include "control/host_use.h"

namespace strata::control {
namespace {

using iface::Figure;
using Unit = iface::Figure::Unit;

TEST(FigureTable, ColumnsAreAlignedAndNumbersReadable) {
  const Figure figures[] = {{"short", 999, Unit::count},
                            {"  a part of it", 1'234'567, Unit::count, "what it means"},
                            {"bytes", 3 << 20, Unit::bytes},
                            {"time", 1'500'000'000, Unit::nanoseconds, "long"}};
  EXPECT_EQ(figure_table(figures),
            "short                 999\n"
            "  a part of it  1,234,567  what it means\n"
            "bytes             3.0 MiB\n"
            "time              1.500 s  long\n");
  EXPECT_EQ(figure_table({}), "");
}

TEST(HostUse, MappingsOfRamAreToldApart) {
  constexpr std::string_view smaps =
      "1000-3000 r-xp 00000000 00:00 0     /bin/program\nSize:     8 kB\nPss:      4 kB\n"
      "7f0000000000-7f0000100000 rw-p 00000000 00:00 0\nSize:   1024 kB\nPss:    512 kB\n"
      "7f0000100000-7f0000200000 rw-p 00000000 00:00 0\nSize:   1024 kB\nPss:    100 kB\n"
      "7ffff000-7ffff800 rw-p 00000000 00:00 0   [stack]\nPss:   8 kB\nVmFlags: rd wr";
  const ResidentBytes found = resident_bytes(smaps, 0x7f0000000000, 0x7f0000100000);
  EXPECT_EQ(found.inside, 512u << 10);
  EXPECT_EQ(found.outside, 112u << 10);
  EXPECT_EQ(resident_bytes("", 0, 1).outside, 0u);
  EXPECT_EQ(resident_bytes("-\nPss:\nPss: x kB\nff-", 0, 1).outside, 0u);
}

TEST(HostUse, ThisProcessHasTimeAndMemory) {
  std::vector<std::byte> ram(1 << 20, std::byte{1});
  for (const Figure& figure : HostUse().figures(ram)) EXPECT_GT(figure.value, 0u) << figure.name;
}

}  // namespace
}  // namespace strata::control
