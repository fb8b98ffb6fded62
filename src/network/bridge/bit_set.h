// BitSet: a set of small numbers as a bitmap, the form of VLAN and port sets.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <initializer_list>

namespace strata::network::bridge {

template <std::size_t Size>
class BitSet {
 public:
  static_assert(Size % 64 == 0);

  constexpr BitSet() = default;
  constexpr BitSet(std::initializer_list<unsigned> members) {
    for (const unsigned member : members) add(member);
  }

  /// Members are 0 to Size - 1.
  constexpr void add(unsigned member) { words_[member / 64] |= std::uint64_t{1} << member % 64; }
  constexpr void remove(unsigned member) { words_[member / 64] &= ~(std::uint64_t{1} << member % 64); }
  constexpr void set(unsigned member, bool present) { present ? add(member) : remove(member); }
  constexpr void clear() { words_ = {}; }

  constexpr bool contains(unsigned member) const { return (words_[member / 64] >> member % 64 & 1) != 0; }
  constexpr bool empty() const {
    for (const auto word : words_)
      if (word != 0) return false;
    return true;
  }
  constexpr std::size_t count() const {
    std::size_t bits = 0;
    for (const auto word : words_) bits += static_cast<std::size_t>(std::popcount(word));
    return bits;
  }
  /// Of a set that is not empty.
  constexpr unsigned first() const {
    unsigned word = 0;
    while (words_[word] == 0) ++word;
    return word * 64 + static_cast<unsigned>(std::countr_zero(words_[word]));
  }

  constexpr BitSet& operator|=(const BitSet& other) {
    for (std::size_t i = 0; i < words_.size(); ++i) words_[i] |= other.words_[i];
    return *this;
  }
  constexpr BitSet& operator&=(const BitSet& other) {
    for (std::size_t i = 0; i < words_.size(); ++i) words_[i] &= other.words_[i];
    return *this;
  }
  constexpr BitSet& operator-=(const BitSet& other) {
    for (std::size_t i = 0; i < words_.size(); ++i) words_[i] &= ~other.words_[i];
    return *this;
  }
  friend constexpr BitSet operator|(BitSet a, const BitSet& b) { return a |= b; }
  friend constexpr BitSet operator&(BitSet a, const BitSet& b) { return a &= b; }
  friend constexpr BitSet operator-(BitSet a, const BitSet& b) { return a -= b; }
  constexpr bool operator==(const BitSet&) const = default;

  /// Calls `visit(member)` in ascending order; members may be removed meanwhile.
  template <class Visit>
  constexpr void for_each(Visit visit) const {
    for (std::size_t i = 0; i < words_.size(); ++i)
      for (std::uint64_t word = words_[i]; word != 0; word &= word - 1)
        visit(static_cast<unsigned>(i * 64 + static_cast<std::size_t>(std::countr_zero(word))));
  }

 private:
  std::array<std::uint64_t, Size / 64> words_{};
};

}  // namespace strata::network::bridge
