// A target with a bug on purpose: the driver's own test, which must find it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size >= 4 && data[0] == 0xff && data[1] % 16 == 3) std::abort();
  return 0;
}
