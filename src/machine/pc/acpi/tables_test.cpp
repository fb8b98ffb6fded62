// The tables add up, and Intel's disassembler, where it is installed, reads the DSDT without complaint.
#include "machine/pc/acpi/tables.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "base/bits.h"
#include "machine/pc/layout.h"

namespace strata::machine::pc::acpi {
namespace {

class TablesTest : public testing::Test {
 protected:
  static constexpr uint32_t base = acpi_tables_base;
  const std::vector<std::byte> all = make_tables(base, 1);

  const std::byte* at(uint64_t address) const { return all.data() + (address - base); }
  uint32_t length(uint64_t address) const { return load_le<uint32_t>(at(address) + 4); }
  std::string signature(uint64_t address) const { return {reinterpret_cast<const char*>(at(address)), 4}; }
  static unsigned sum(const std::byte* bytes, size_t size) {
    unsigned total = 0;
    for (size_t i = 0; i < size; ++i) total += std::to_integer<unsigned>(bytes[i]);
    return total & 0xff;
  }
  uint64_t xsdt() const { return load_le<uint64_t>(at(base + 24)); }
  uint64_t fadt() const { return load_le<uint64_t>(at(xsdt() + 36)); }
  uint64_t dsdt() const { return load_le<uint64_t>(at(fadt() + 140)); }
};

TEST_F(TablesTest, PointersLeadToTablesThatAddUp) {
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(at(base)), 8), "RSD PTR ");
  EXPECT_EQ(sum(at(base), 20), 0u);
  EXPECT_EQ(sum(at(base), 36), 0u);
  const uint64_t rsdt = load_le<uint32_t>(at(base + 16));
  const uint64_t madt = load_le<uint64_t>(at(xsdt() + 44));
  EXPECT_EQ(load_le<uint32_t>(at(rsdt + 36)), fadt());
  EXPECT_EQ(load_le<uint32_t>(at(rsdt + 40)), madt);
  EXPECT_EQ(load_le<uint32_t>(at(fadt() + 40)), dsdt());
  EXPECT_EQ(signature(xsdt()) + signature(fadt()) + signature(dsdt()) + signature(madt), "XSDTFACPDSDTAPIC");
  EXPECT_EQ(signature(load_le<uint32_t>(at(fadt() + 36))), "FACS");
  EXPECT_EQ(length(fadt()), 276u);
  for (const uint64_t table : {rsdt, xsdt(), fadt(), madt, dsdt()}) EXPECT_EQ(sum(at(table), length(table)), 0u);
}

TEST(Tables, EveryProcessorIsThereAndEnabled) {
  constexpr unsigned count = most_processors;
  const std::vector<std::byte> all = make_tables(acpi_tables_base, count);
  const std::string text(reinterpret_cast<const char*>(all.data()), all.size());
  size_t at = text.find("APIC") + 44;
  for (unsigned i = 0; i < count; ++i, at += 8) {
    const std::string entry = {0, 8, static_cast<char>(i), static_cast<char>(i), 1, 0, 0, 0};
    EXPECT_EQ(text.substr(at, 8), entry) << i;
  }
  EXPECT_EQ(text.substr(at, 2), (std::string{1, 12})) << "the IO-APIC follows";
  EXPECT_NE(text.find("C03F"), std::string::npos);
  EXPECT_EQ(text.find("C040"), std::string::npos);
}

TEST_F(TablesTest, DisassemblerReadsTheDsdt) {
  if (std::system("command -v iasl >/dev/null 2>&1") != 0) GTEST_SKIP() << "iasl is not installed (acpica-tools)";
  const auto folder = std::filesystem::temp_directory_path() / ("strata-dsdt-" + std::to_string(::getpid()));
  std::filesystem::create_directory(folder);
  std::ofstream(folder / "dsdt.aml", std::ios::binary).write(reinterpret_cast<const char*>(at(dsdt())), length(dsdt()));
  const std::string command =
      "cd '" + folder.string() + "' && iasl -d dsdt.aml >log 2>&1 && iasl -ve -tc dsdt.dsl >>log 2>&1";
  const int status = std::system(command.c_str());
  const auto text = [&](const char* file) {
    std::stringstream out;
    out << std::ifstream(folder / file).rdbuf();
    return out.str();
  };
  EXPECT_EQ(status, 0) << text("log");
  const std::string source = text("dsdt.dsl");
  for (const char* part : {"_S5", "_PRT", "PNP0A03", "PNP0501", "ACPI0007", "_PIC"}) {
    EXPECT_NE(source.find(part), std::string::npos) << part;
  }
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace strata::machine::pc::acpi
