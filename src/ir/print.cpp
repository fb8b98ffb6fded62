// Prints units as text.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <numeric>

#include "ir/text.h"
#include "ir/text_shape.h"

namespace strata::ir {
namespace {

struct Printer {
  const Unit& unit;
  std::string text = {};

  template <class... Args>
  void write(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text), format, std::forward<Args>(args)...);
  }

  void operands(const Instr& instr) {
    const char* separator = " ";
    for (const Value arg : instr.arg) {
      if (arg == no_value) break;
      write("{}%{}", separator, arg);
      separator = ", ";
    }
    if (trailing_immediate(instr.op)) write("{}{:#x}", separator, instr.imm);
  }

  void call(const Instr& instr) {
    write(" {}(", unit.helpers[instr.imm]->name);
    const char* separator = "";
    for (const Value arg : instr.arg) {
      if (arg == no_value) break;
      write("{}%{}", separator, arg);
      separator = ", ";
    }
    write(")");
  }

  void details(const Instr& instr) {
    switch (instr.op) {
      case Op::constant:
      case Op::insn:
      case Op::expect_return:
      case Op::exit_goto: write(" {:#x}", instr.imm); break;
      case Op::vconstant: write(" {:#018x}{:016x}", unit.vectors[instr.imm].hi, unit.vectors[instr.imm].lo); break;
      case Op::get:
      case Op::drop: write(" {}", unit.layout->slots[instr.imm].name); break;
      case Op::set: write(" {}, %{}", unit.layout->slots[instr.imm].name, instr.arg[0]); break;
      case Op::cond: write(" {}, %{}", cond_names[instr.imm], instr.arg[0]); break;
      case Op::call: call(instr); break;
      case Op::exit_if: write(" %{}, {} {:#x}", instr.arg[0], exit_names[instr.kind], instr.imm); break;
      case Op::exit: write(" {} {:#x}", exit_names[instr.kind], instr.imm); break;
      case Op::exit_indirect: write(" %{}{}", instr.arg[0], instr.imm != 0 ? ", return" : ""); break;
      case Op::jump: write(" b{}", instr.target[0]); break;
      case Op::branch: write(" %{}, b{}, b{}", instr.arg[0], instr.target[0], instr.target[1]); break;
      case Op::load:
      case Op::store:
      case Op::atomic_swap:
      case Op::atomic_add:
      case Op::atomic_and:
      case Op::atomic_or:
      case Op::atomic_xor:
      case Op::atomic_cas:
        operands(instr);
        write(", space {}", instr.imm);
        break;
      default: operands(instr);
    }
  }

  void instr(uint32_t index) {
    const Instr& instr = unit.code[index];
    write("  ");
    if (result_type(unit, instr) != Type::none) write("%{} = ", index);
    if (instr.sunk) write("sunk ");
    write("{}", written_name(instr.op));
    if (instr.lane != Lane::none) write(".{}", name(instr.lane));
    if (shows_type(instr.op)) write(" {}", name(instr.type));
    details(instr);
    write("\n");
  }
};

}  // namespace

std::string print(const Unit& unit) {
  Printer printer{unit};
  printer.write("unit {:#x}, {} bytes, {} insns\n", unit.guest_pc, unit.guest_bytes, unit.guest_insns);
  std::vector<BlockId> order(unit.blocks.size());  // as they stand in the code
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(),
            [&](BlockId x, BlockId y) { return unit.blocks[x].begin < unit.blocks[y].begin; });
  for (const BlockId block : order) {
    printer.write("b{}:\n", block);
    for (uint32_t i = unit.blocks[block].begin; i < unit.blocks[block].end; ++i) printer.instr(i);
  }
  return std::move(printer.text);
}

}  // namespace strata::ir
