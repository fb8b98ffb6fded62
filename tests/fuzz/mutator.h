// Mutator: makes new fuzz inputs from old ones, the same ones for the same seed.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

namespace strata::fuzz {

using Input = std::vector<std::uint8_t>;

class Mutator {
 public:
  Mutator(std::uint64_t seed, std::size_t max_size) : random_(seed), max_size_(max_size) {}

  // An input out of nothing.
  Input make();

  // One to eight changes to an input; `other` is where spliced bytes come from.
  Input mutate(Input input, const Input& other);

  // A number from 0 to bound - 1.
  std::size_t below(std::size_t bound) { return bound == 0 ? 0 : random_() % bound; }

 private:
  void change(Input& input, const Input& other);
  void overwrite_number(Input& input);
  void insert_bytes(Input& input);
  void erase_bytes(Input& input);
  void copy_bytes(Input& input, const Input& from);

  std::mt19937_64 random_;
  std::size_t max_size_;
};

}  // namespace strata::fuzz
