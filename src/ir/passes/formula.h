// How a value is computed of what the state's slots hold at the end of its block, so that other blocks may compute it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "ir/unit.h"

namespace strata::ir {

/// A few operations in order; the last one gives the value.
class Formula {
 public:
  /// Nothing where the slots do not tell the value, or not in so few operations.
  static std::optional<Formula> of(const Unit& unit, const Block& block, Value value);

  /// Appends the operations; gives the value.
  Value append_to(std::vector<Instr>& code) const;

  bool operator==(const Formula&) const = default;

 private:
  struct Node {
    Op op = Op::nop;
    Type type = Type::none;
    uint8_t operand[2] = {none, none};  ///< numbers of nodes
    uint64_t imm = 0;
    bool operator==(const Node&) const = default;
  };
  static constexpr uint8_t none = 0xff;
  static constexpr unsigned most = 8;
  friend class FormulaFinder;

  std::array<Node, most> nodes_;
  uint8_t size_ = 0;
};

}  // namespace strata::ir
