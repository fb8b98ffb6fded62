// Boot loaders against images made here: where things end up, and that nothing malformed gets further than an error.
#include "machine/pc/boot/loader.h"

#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <cstring>
#include <functional>
#include <random>

#include "base/bits.h"
#include "machine/pc/boot/decompress.h"
#include "machine/pc/boot/place.h"
#include "machine/pc/test_guests_test.h"

namespace strata::machine::pc::boot {
namespace {

using Bytes = std::vector<std::byte>;
using testing::HasSubstr;

constexpr uint64_t mib = uint64_t{1} << 20;
constexpr uint64_t memory_size = 64 * mib;

Bytes pattern(size_t size) {
  Bytes bytes(size);
  uint32_t seed = 1;
  for (std::byte& b : bytes) b = static_cast<std::byte>((seed = seed * 1103515245 + 12345) >> 20 & 15);
  return bytes;
}

template <class T>
void append(Bytes& to, const T& value) {
  const auto bytes = std::as_bytes(std::span(&value, 1));
  to.insert(to.end(), bytes.begin(), bytes.end());
}

/// An ELF file with one segment at `physical`, and Xen's note when there is a PVH entry.
Bytes make_elf64(uint64_t physical, const Bytes& contents, uint64_t memory, uint32_t pvh_entry = 0) {
  Elf64_Ehdr header = {};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_type = ET_EXEC;
  header.e_machine = EM_X86_64;
  header.e_entry = physical + 16;
  header.e_phoff = sizeof header;
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = 2;
  Bytes note;
  for (const uint32_t word : {4u, 4u, 18u, 0x006e6558u, pvh_entry}) append(note, word);
  Elf64_Phdr load = {};
  load.p_type = PT_LOAD;
  load.p_offset = sizeof header + 2 * sizeof load;
  load.p_filesz = contents.size();
  load.p_memsz = memory;
  load.p_paddr = physical;
  Elf64_Phdr notes = {};
  notes.p_type = pvh_entry != 0 ? PT_NOTE : PT_NULL;
  notes.p_offset = load.p_offset + contents.size();
  notes.p_filesz = note.size();
  Bytes file;
  append(file, header);
  append(file, load);
  append(file, notes);
  file.insert(file.end(), contents.begin(), contents.end());
  file.insert(file.end(), note.begin(), note.end());
  return file;
}

Bytes gzip(const Bytes& data) {
  Bytes out(data.size() + 1024);
  z_stream stream = {};
  deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

Bytes xz(const Bytes& data) {
  Bytes out(lzma_stream_buffer_bound(data.size()));
  size_t size = 0;
  lzma_easy_buffer_encode(0, LZMA_CHECK_CRC32, nullptr, reinterpret_cast<const uint8_t*>(data.data()), data.size(),
                          reinterpret_cast<uint8_t*>(out.data()), &size, out.size());
  out.resize(size);
  return out;
}

Bytes zstd(const Bytes& data) {
  Bytes out(ZSTD_compressBound(data.size()));
  out.resize(ZSTD_compress(out.data(), out.size(), data.data(), data.size(), 1));
  return out;
}

Bytes lz4(const Bytes& data) {
  Bytes out;
  append(out, uint32_t{0x184c2102});
  Bytes block(static_cast<size_t>(LZ4_compressBound(static_cast<int>(data.size()))));
  const int size =
      LZ4_compress_default(reinterpret_cast<const char*>(data.data()), reinterpret_cast<char*>(block.data()),
                           static_cast<int>(data.size()), static_cast<int>(block.size()));
  append(out, static_cast<uint32_t>(size));
  out.insert(out.end(), block.begin(), block.begin() + size);
  append(out, static_cast<uint32_t>(data.size()));  // as kernels' builds do
  return out;
}

/// A bzImage of protocol 2.15 around a payload.
Bytes make_bzimage(const Bytes& payload, uint64_t preferred = 16 * mib, uint32_t init_size = 8 * mib) {
  constexpr size_t setup = 5 * 512;
  constexpr size_t payload_offset = 0x300;
  Bytes image(setup + payload_offset);
  image.insert(image.end(), payload.begin(), payload.end());
  image.resize(align_up(image.size(), size_t{16}));
  image[0x1f1] = std::byte{4};
  store_le<uint32_t>(&image[0x1f4], static_cast<uint32_t>((image.size() - setup) / 16));
  store_le<uint16_t>(&image[0x1fe], 0xaa55);
  image[0x201] = std::byte{0x6a};
  store_le<uint32_t>(&image[0x202], 0x53726448);
  store_le<uint16_t>(&image[0x206], 0x020f);
  image[0x211] = std::byte{1};
  store_le<uint32_t>(&image[0x22c], 0x7fffffff);
  image[0x234] = std::byte{1};
  store_le<uint16_t>(&image[0x236], 1);
  store_le<uint32_t>(&image[0x238], 255);
  store_le<uint32_t>(&image[0x248], payload_offset);
  store_le<uint32_t>(&image[0x24c], static_cast<uint32_t>(payload.size()));
  store_le<uint64_t>(&image[0x258], preferred);
  store_le<uint32_t>(&image[0x260], init_size);
  return image;
}

class LoaderTest : public testing::Test {
 protected:
  LoaderTest() {
    space.add({.name = "low", .base = 0, .size = vga_base, .kind = memory::Kind::ram});
    space.add({.name = "ram",
               .base = high_memory,
               .size = memory_size - high_memory,
               .kind = memory::Kind::ram,
               .ram_offset = high_memory});
  }
  Result<iface::X86Registers> try_load(const Bytes& kernel, const Bytes& initrd = {}, std::string_view line = "") {
    return load(target, {.kernel = kernel, .initrd = initrd, .command_line = line});
  }
  std::string error_of(const Bytes& kernel, const Bytes& initrd = {}, std::string_view line = "") {
    const auto loaded = try_load(kernel, initrd, line);
    return loaded ? "loaded" : loaded.error().message;
  }
  bool has(uint64_t address, const Bytes& bytes) {
    return std::memcmp(space.ram_pointer(address, bytes.size()), bytes.data(), bytes.size()) == 0;
  }
  std::string text(uint64_t address) { return reinterpret_cast<const char*>(space.ram_pointer(address, 256)); }

  memory::DeviceLock lock;
  std::unique_ptr<memory::Ram> ram = *memory::Ram::make(memory_size);
  memory::AddressSpace space{*ram, lock};
  Target target{.memory = space,
                .low_memory_end = memory_size,
                .memory_map = {{0, conventional_end, 1}, {high_memory, memory_size - high_memory, 1}},
                .rsdp = acpi_tables_base};
  const Bytes code = pattern(100'000);
};

TEST_F(LoaderTest, BzImageIsUnpackedWhereItWasLinked) {
  const Bytes vmlinux = make_elf64(16 * mib, code, 200'000);
  const Bytes initrd = pattern(5000);
  for (const auto& pack : {gzip, xz, zstd, lz4}) {
    std::memset(ram->at(16 * mib), 0xff, 200'000);
    const auto registers = try_load(make_bzimage(pack(vmlinux)), initrd, "console=ttyS0");
    ASSERT_TRUE(registers) << registers.error().message;
    EXPECT_TRUE(has(16 * mib, code));
    EXPECT_TRUE(has(16 * mib + code.size(), Bytes(100'000)));  // its bss
    EXPECT_EQ(registers->rip, 16 * mib + 16);
    EXPECT_EQ(registers->cs.attributes & 0x2000, 0x2000);  // 64-bit
    EXPECT_EQ(registers->efer, 0x500u);
    const uint64_t zero_page = registers->gpr[6];
    EXPECT_EQ(text(space.read_as<uint32_t>(zero_page + 0x228)), "console=ttyS0");
    EXPECT_TRUE(has(space.read_as<uint32_t>(zero_page + 0x218), initrd));
    EXPECT_EQ(space.read_as<uint32_t>(zero_page + 0x21c), initrd.size());
    EXPECT_EQ(space.read_as<uint8_t>(zero_page + 0x1e8), 2u);
    EXPECT_EQ(space.read_as<uint64_t>(zero_page + 0x2d0 + 20), high_memory);
    EXPECT_EQ(space.read_as<uint64_t>(zero_page + 0x070), acpi_tables_base);
    EXPECT_EQ(space.read_as<uint8_t>(zero_page + 0x210), 0xffu);
  }
}

TEST_F(LoaderTest, UnknownPackingIsLeftToTheKernel) {
  const auto registers = try_load(make_bzimage(code));
  ASSERT_TRUE(registers) << registers.error().message;
  EXPECT_EQ(registers->rip, 16 * mib + 0x200);
}

TEST_F(LoaderTest, BzImageWithout64BitEntryStartsInProtectedMode) {
  Bytes image = make_bzimage(code);
  store_le<uint16_t>(&image[0x236], 0);
  image[0x234] = std::byte{0};
  const auto registers = try_load(image);
  ASSERT_TRUE(registers) << registers.error().message;
  EXPECT_EQ(registers->rip, high_memory);
  EXPECT_EQ(registers->cr0 & 0x80000001, 1u);
  EXPECT_EQ(registers->cs.selector, 0x10);
}

TEST_F(LoaderTest, ErrorsOfBzImages) {
  const Bytes good = make_bzimage(gzip(make_elf64(16 * mib, code, 200'000)));
  const auto changed = [&](const std::function<void(Bytes&)>& change) {
    Bytes image = good;
    change(image);
    return error_of(image);
  };
  EXPECT_THAT(changed([](Bytes& i) { store_le<uint16_t>(&i[0x206], 0x0203); }), HasSubstr("boot protocol 2.03"));
  EXPECT_THAT(changed([](Bytes& i) { i[0x211] = std::byte{0}; }), HasSubstr("zImage"));
  EXPECT_THAT(changed([](Bytes& i) { i[0x1f1] = std::byte{255}; }), HasSubstr("it ends inside its setup code"));
  EXPECT_THAT(changed([](Bytes& i) { store_le<uint32_t>(&i[0x1f4], 0xffffffff); }), HasSubstr("bytes of code"));
  EXPECT_THAT(changed([](Bytes& i) { store_le<uint32_t>(&i[0x24c], 0xffffffff); }), HasSubstr("payload lies beyond"));
  EXPECT_THAT(changed([](Bytes& i) { store_le<uint32_t>(&i[0x260], 100 * mib); }),
              HasSubstr("the kernel needs 116 MiB of memory, the machine has 64 MiB"));
  EXPECT_THAT(changed([](Bytes& i) { store_le<uint64_t>(&i[0x258], ~uint64_t{0}); }), HasSubstr("needs"));
  EXPECT_THAT(changed([](Bytes& i) { i[i.size() / 2] ^= std::byte{0xff}; }), HasSubstr("unpacking the kernel"));
  EXPECT_THAT(error_of(good, pattern(50 * mib)), HasSubstr("the initrd of 50 MiB does not fit"));
  EXPECT_THAT(error_of(good, {}, std::string(300, 'x')), HasSubstr("has 300 characters, this kernel takes 255"));
  EXPECT_EQ(error_of(good), "loaded");
}

TEST_F(LoaderTest, PvhGetsItsStartInfo) {
  const Bytes initrd = pattern(3000);
  const auto registers = try_load(make_elf64(2 * mib, code, 200'000, 0x200040), initrd, "hello");
  ASSERT_TRUE(registers) << registers.error().message;
  EXPECT_TRUE(has(2 * mib, code));
  EXPECT_EQ(registers->rip, 0x200040u);
  const uint64_t info = registers->gpr[3];
  EXPECT_EQ(space.read_as<uint32_t>(info), 0x336ec578u);
  EXPECT_EQ(space.read_as<uint32_t>(info + 12), 1u);
  const auto module = space.read_as<uint64_t>(info + 16);
  EXPECT_TRUE(has(space.read_as<uint64_t>(module), initrd));
  EXPECT_EQ(space.read_as<uint64_t>(module + 8), initrd.size());
  EXPECT_EQ(text(space.read_as<uint64_t>(info + 24)), "hello");
  EXPECT_EQ(space.read_as<uint64_t>(info + 32), acpi_tables_base);
  EXPECT_EQ(space.read_as<uint32_t>(info + 48), 2u);
}

TEST_F(LoaderTest, ErrorsOfElfFiles) {
  EXPECT_THAT(error_of(make_elf64(2 * mib, code, 200'000)), HasSubstr("without PVH entry"));
  EXPECT_THAT(error_of(make_elf64(60 * mib, code, 8 * mib, 4)), HasSubstr("needs 68 MiB of memory"));
  EXPECT_THAT(error_of(make_elf64(~uint64_t{0} - 8, code, 200'000, 4)), HasSubstr("where there is no memory"));
  EXPECT_THAT(error_of(make_elf64(0x1000, code, 200'000, 4)), HasSubstr("wants to be loaded at 0x1000"));
  EXPECT_THAT(error_of(make_elf64(2 * mib, code, 10, 4)), HasSubstr("larger in the file"));
  Bytes arm = make_elf64(2 * mib, code, 200'000, 4);
  store_le<uint16_t>(&arm[18], EM_AARCH64);
  EXPECT_THAT(error_of(arm), HasSubstr("is for machine 183"));
}

#if defined(__x86_64__)
TEST_F(LoaderTest, Multiboot) {
  const Bytes kernel = test_guest();
  const auto registers = try_load(kernel, pattern(100), "p");
  ASSERT_TRUE(registers) << registers.error().message;
  EXPECT_TRUE(has(high_memory, kernel));
  EXPECT_EQ(registers->gpr[0], 0x2badb002u);
  const uint64_t info = registers->gpr[3];
  EXPECT_EQ(text(space.read_as<uint32_t>(info + 16)), "p");
  EXPECT_EQ(space.read_as<uint32_t>(info + 20), 1u);
  EXPECT_TRUE(has(space.read_as<uint32_t>(space.read_as<uint32_t>(info + 24)), pattern(100)));
}

TEST_F(LoaderTest, ErrorsOfMultiboot) {
  const auto changed = [&](uint32_t flags, size_t word, uint32_t value) {
    Bytes kernel = test_guest();
    store_le<uint32_t>(&kernel[4], flags);
    store_le<uint32_t>(&kernel[8], -(0x1badb002 + flags));
    if (word != 0) store_le<uint32_t>(&kernel[4 * word], value);
    return error_of(kernel);
  };
  EXPECT_THAT(changed(0x10004, 0, 0), HasSubstr("requires features 0x4"));
  EXPECT_THAT(changed(0x10000, 3, 0x50), HasSubstr("multiboot header is damaged"));
  EXPECT_THAT(changed(0x10000, 5, 0x200000), HasSubstr("cut off"));
  EXPECT_THAT(changed(0x10000, 6, 0xf0000000), HasSubstr("where there is no memory"));
  EXPECT_THAT(changed(0x00000, 0, 0), HasSubstr("ELF"));
}
#endif

TEST_F(LoaderTest, NoKernelAtAll) {
  EXPECT_THAT(error_of({}), HasSubstr("empty file"));
  EXPECT_THAT(error_of(pattern(100'000)), HasSubstr("neither a Linux bzImage nor"));
}

/// Cuts and damages; whatever happens, it is a result, and memory outside of RAM stays untouched (asan sees that).
TEST_F(LoaderTest, MalformedImagesNeverCrash) {
  const Bytes vmlinux = make_elf64(16 * mib, pattern(3000), 5000);
  std::vector<Bytes> images = {make_bzimage(gzip(vmlinux)), make_bzimage(xz(vmlinux)), make_bzimage(zstd(vmlinux)),
                               make_bzimage(lz4(vmlinux)), make_elf64(2 * mib, pattern(3000), 5000, 0x200040)};
#if defined(__x86_64__)
  images.push_back(test_guest());
#endif
  std::mt19937 random(2);
  for (const Bytes& image : images) {
    for (size_t size = 0; size < image.size(); size += 1 + size / 16) {
      (void)try_load(Bytes(image.begin(), image.begin() + static_cast<ptrdiff_t>(size)));
    }
    for (int i = 0; i < 400; ++i) {
      Bytes damaged = image;
      const size_t headers = std::min<size_t>(damaged.size(), i % 2 == 0 ? 0x270 : damaged.size());
      for (int j = 0; j < 3; ++j) damaged[random() % headers] = static_cast<std::byte>(random());
      (void)try_load(damaged, pattern(100), "x");
    }
  }
}

TEST(DecompressTest, LimitsAndDamage) {
  const Bytes data = pattern(3'000'000);
  for (const auto& pack : {gzip, xz, zstd, lz4}) {
    Bytes packed = pack(data);
    const auto how = compression_of(packed);
    ASSERT_TRUE(how);
    const auto unpacked = decompress(*how, packed, data.size() + 1);
    ASSERT_TRUE(unpacked) << static_cast<int>(*how) << unpacked.error().message;
    EXPECT_EQ(*unpacked, data);
    EXPECT_THAT(decompress(*how, packed, 1'000'000).error().message, HasSubstr("more than"));
    packed.resize(packed.size() / 2);
    EXPECT_FALSE(decompress(*how, packed, data.size() + 1));
  }
  EXPECT_FALSE(compression_of(data));
}

}  // namespace
}  // namespace strata::machine::pc::boot
