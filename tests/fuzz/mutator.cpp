// The changes a mutator can make to an input.
#include "tests/fuzz/mutator.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace strata::fuzz {
namespace {

// Numbers at which lengths, indices and addresses go wrong.
constexpr std::array<std::uint64_t, 18> edges = {0,
                                                 1,
                                                 2,
                                                 3,
                                                 0x10,
                                                 0x7f,
                                                 0x80,
                                                 0xff,
                                                 0x100,
                                                 0xfff,
                                                 0x1000,
                                                 0x7fff,
                                                 0xffff,
                                                 0x7fffffff,
                                                 0x80000000,
                                                 0xffffffff,
                                                 0x7fffffffffffffff,
                                                 0xffffffffffffffff};

}  // namespace

Input Mutator::make() {
  Input input(1 + below(std::min<std::size_t>(max_size_, std::size_t{1} << below(13))));
  std::generate(input.begin(), input.end(), [this] { return static_cast<std::uint8_t>(random_()); });
  return input;
}

Input Mutator::mutate(Input input, const Input& other) {
  for (std::size_t left = std::size_t{1} << below(4); left > 0; --left) change(input, other);
  return input;
}

void Mutator::change(Input& input, const Input& other) {
  if (input.empty()) return insert_bytes(input);
  std::uint8_t& byte = input[below(input.size())];
  switch (below(8)) {
    case 0: byte ^= static_cast<std::uint8_t>(1u << below(8)); break;
    case 1: byte = static_cast<std::uint8_t>(random_()); break;
    case 2: byte = static_cast<std::uint8_t>(byte + below(33) - 16); break;
    case 3: overwrite_number(input); break;
    case 4: insert_bytes(input); break;
    case 5: erase_bytes(input); break;
    case 6: copy_bytes(input, other); break;
    case 7: copy_bytes(input, Input(input)); break;
  }
}

void Mutator::overwrite_number(Input& input) {
  const std::size_t width = std::min(input.size(), std::size_t{1} << below(4));
  const std::uint64_t number = edges[below(edges.size())] + below(3) - 1;
  std::memcpy(input.data() + below(input.size() - width + 1), &number, width);
}

void Mutator::insert_bytes(Input& input) {
  const std::size_t count = std::min(1 + below(16), max_size_ - std::min(max_size_, input.size()));
  const auto at = input.begin() + static_cast<std::ptrdiff_t>(below(input.size() + 1));
  const auto value = static_cast<std::uint8_t>(random_());
  const auto first = input.insert(at, count, value);
  if (below(2) == 0) std::generate_n(first, count, [this] { return static_cast<std::uint8_t>(random_()); });
}

void Mutator::erase_bytes(Input& input) {
  const std::size_t from = below(input.size());
  const std::size_t count = 1 + below(std::min<std::size_t>(input.size() - from, 32));
  const auto first = input.begin() + static_cast<std::ptrdiff_t>(from);
  input.erase(first, first + static_cast<std::ptrdiff_t>(count));
}

void Mutator::copy_bytes(Input& input, const Input& from) {
  if (from.empty()) return;
  const std::size_t source = below(from.size());
  const std::size_t target = below(input.size());
  const std::size_t count =
      1 + below(std::min({from.size() - source, max_size_ - std::min(max_size_, target), std::size_t{64}}));
  input.resize(std::max(input.size(), std::min(target + count, max_size_)));
  std::copy_n(from.begin() + static_cast<std::ptrdiff_t>(source), std::min(count, input.size() - target),
              input.begin() + static_cast<std::ptrdiff_t>(target));
}

}  // namespace strata::fuzz
