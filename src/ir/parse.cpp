// Parses the text form of units. Values may have any names; they are numbered in the order of the text.
#include <algorithm>
#include <charconv>
#include <unordered_map>

#include "base/bits.h"
#include "ir/text.h"
#include "ir/text_shape.h"
#include "ir/verify.h"

namespace strata::ir {
namespace {

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '%';
}

/// One line, read word by word. A word is a run of letters, digits, `_`, `.` and `%`; all else are single characters.
class Line {
 public:
  explicit Line(std::string_view text) : rest_(text.substr(0, text.find(';'))) {}

  std::string_view peek() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r"), rest_.size()));
    size_t length = 0;
    while (length < rest_.size() && is_word(rest_[length])) ++length;
    return rest_.substr(0, length == 0 ? std::min<size_t>(1, rest_.size()) : length);
  }
  std::string_view next() {
    const std::string_view word = peek();
    rest_.remove_prefix(word.size());
    return word;
  }
  bool accept(std::string_view wanted) {
    if (peek() != wanted) return false;
    next();
    return true;
  }
  Result<void> expect(std::string_view wanted) {
    if (accept(wanted)) return {};
    return fail("expected '{}' before '{}'", wanted, peek());
  }

 private:
  std::string_view rest_;
};

template <class Names>
Result<size_t> index_of(const Names& names, std::string_view name, std::string_view what) {
  const auto found = std::find(std::begin(names), std::end(names), name);
  if (found == std::end(names)) return fail("there is no {} '{}'", what, name);
  return static_cast<size_t>(found - std::begin(names));
}

Result<uint64_t> number(std::string_view digits) {
  const bool hex = digits.starts_with("0x");
  uint64_t value = 0;
  const char* begin = digits.data() + (hex ? 2 : 0);
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(begin, end, value, hex ? 16 : 10);
  if (error != std::errc{} || stop != end) return fail("'{}' is no number of at most 64 bits", digits);
  return value;
}

class Parser {
 public:
  Parser(const StateLayout& layout, FindHelper find_helper) : find_helper_(find_helper) { unit_.layout = &layout; }

  Result<Unit> parse(std::string_view text);

 private:
  Result<void> line(Line line);
  Result<void> header(Line& line);
  Result<void> block(std::string_view label);
  Result<void> instr(Line& line);
  Result<void> operation(std::string_view word, Instr& instr);
  Result<void> details(Line& line, Instr& instr);
  Result<void> operands(Line& line, Instr& instr);
  Result<void> vector(Line& line, Instr& instr);
  Result<void> slot(Line& line, Instr& instr);
  Result<void> call(Line& line, Instr& instr);
  Result<void> exit(Line& line, Instr& instr);
  Result<void> targets(Line& line, Instr& instr);

  Result<Value> value(Line& line);
  Result<uint64_t> integer(Line& line);
  Result<BlockId> block_name(std::string_view name);

  Unit unit_;
  FindHelper find_helper_;
  std::unordered_map<std::string, Value> values_;
  Block* open_ = nullptr;  ///< the block whose lines are being read
};

Result<Value> Parser::value(Line& line) {
  const std::string_view word = line.next();
  const auto found = values_.find(std::string(word));
  if (found == values_.end()) return fail("'{}' is no value defined before", word);
  return found->second;
}

Result<uint64_t> Parser::integer(Line& line) {
  const bool negative = line.accept("-");
  const uint64_t magnitude = STRATA_TRY(number(line.next()));
  return negative ? uint64_t{0} - magnitude : magnitude;
}

Result<BlockId> Parser::block_name(std::string_view name) {
  if (!name.starts_with('b')) return fail("'{}' is no block", name);
  const uint64_t id = STRATA_TRY(number(name.substr(1)));
  if (id >= 65536) return fail("block {} is too many, at most 65536", id);
  return static_cast<BlockId>(id);
}

Result<void> Parser::header(Line& line) {
  unit_.guest_pc = STRATA_TRY(integer(line));
  STRATA_TRY(line.expect(","));
  unit_.guest_bytes = static_cast<uint32_t>(STRATA_TRY(integer(line)));
  STRATA_TRY(line.expect("bytes"));
  STRATA_TRY(line.expect(","));
  unit_.guest_insns = static_cast<uint32_t>(STRATA_TRY(integer(line)));
  return line.expect("insns");
}

Result<void> Parser::block(std::string_view label) {
  const BlockId id = STRATA_TRY(block_name(label));
  if (id >= unit_.blocks.size()) unit_.blocks.resize(id + 1);
  open_ = &unit_.blocks[id];
  if (open_->end != 0) return fail("{} stands here a second time", label);
  open_->begin = open_->end = static_cast<uint32_t>(unit_.code.size());
  return {};
}

Result<void> Parser::operation(std::string_view word, Instr& instr) {
  const size_t dot = word.find('.');
  const std::string_view wanted = word.substr(0, dot);
  const auto found = std::find_if(std::begin(op_names), std::end(op_names), [&](const std::string_view& row) {
    return written_name(static_cast<Op>(&row - op_names)) == wanted;
  });
  if (found == std::end(op_names)) return fail("there is no operation '{}'", wanted);
  instr.op = static_cast<Op>(found - op_names);
  if (dot == word.npos) return {};
  constexpr std::string_view lanes[] = {"none", "i8", "i16", "i32", "i64", "f32", "f64"};
  instr.lane = static_cast<Lane>(STRATA_TRY(index_of(lanes, word.substr(dot + 1), "lane")));
  return {};
}

Result<void> Parser::operands(Line& line, Instr& instr) {
  unsigned count = 0;
  while (line.peek().starts_with('%')) {
    if (count == 4) return fail("more than 4 operands");
    instr.arg[count++] = STRATA_TRY(value(line));
    if (!line.accept(",")) return {};
  }
  if (line.accept("space") || trailing_immediate(instr.op)) instr.imm = STRATA_TRY(integer(line));
  return {};
}

Result<void> Parser::vector(Line& line, Instr& instr) {
  const std::string_view digits = line.next();
  if (!digits.starts_with("0x") || digits.size() != 34) return fail("'{}' is not 0x and 32 digits", digits);
  Vec128 vector;
  vector.hi = STRATA_TRY(number(digits.substr(0, 18)));
  vector.lo = STRATA_TRY(number("0x" + std::string(digits.substr(18))));
  instr.imm = unit_.vectors.size();
  unit_.vectors.push_back(vector);
  return {};
}

Result<void> Parser::slot(Line& line, Instr& instr) {
  const std::string_view name = line.next();
  const auto& slots = unit_.layout->slots;
  const auto found = std::find_if(slots.begin(), slots.end(), [&](const Slot& s) { return s.name == name; });
  if (found == slots.end()) return fail("there is no slot '{}'", name);
  instr.imm = static_cast<uint64_t>(found - slots.begin());
  instr.type = found->type;
  if (instr.op != Op::set) return {};
  STRATA_TRY(line.expect(","));
  return operands(line, instr);
}

Result<void> Parser::call(Line& line, Instr& instr) {
  const std::string_view name = line.next();
  const Helper* helper = find_helper_ ? find_helper_(name) : nullptr;
  if (!helper) return fail("there is no helper '{}'", name);
  const auto found = std::find(unit_.helpers.begin(), unit_.helpers.end(), helper);
  instr.imm = static_cast<uint64_t>(found - unit_.helpers.begin());
  if (found == unit_.helpers.end()) unit_.helpers.push_back(helper);
  instr.type = helper->result;
  STRATA_TRY(line.expect("("));
  STRATA_TRY(operands(line, instr));
  return line.expect(")");
}

Result<void> Parser::exit(Line& line, Instr& instr) {
  if (instr.op == Op::exit_if) STRATA_TRY(operands(line, instr));
  instr.kind = static_cast<uint8_t>(STRATA_TRY(index_of(exit_names, line.next(), "kind of exit")));
  if (!line.peek().empty()) instr.imm = STRATA_TRY(integer(line));
  return {};
}

Result<void> Parser::targets(Line& line, Instr& instr) {
  if (instr.op == Op::branch) STRATA_TRY(operands(line, instr));
  instr.target[0] = STRATA_TRY(block_name(line.next()));
  if (instr.op == Op::jump) return {};
  STRATA_TRY(line.expect(","));
  instr.target[1] = STRATA_TRY(block_name(line.next()));
  return {};
}

Result<void> Parser::details(Line& line, Instr& instr) {
  switch (instr.op) {
    case Op::constant:
      instr.imm = STRATA_TRY(integer(line));
      if (static_cast<uint64_t>(sign_extend(instr.imm, bits(instr.type))) == instr.imm) instr.imm &= mask(instr.type);
      return {};
    case Op::insn:
    case Op::expect_return:
    case Op::exit_goto: instr.imm = STRATA_TRY(integer(line)); return {};
    case Op::vconstant: return vector(line, instr);
    case Op::get:
    case Op::set:
    case Op::drop: return slot(line, instr);
    case Op::cond:
      instr.imm = STRATA_TRY(index_of(cond_names, line.next(), "condition"));
      STRATA_TRY(line.expect(","));
      return operands(line, instr);
    case Op::call: return call(line, instr);
    case Op::exit:
    case Op::exit_if: return exit(line, instr);
    case Op::exit_indirect:
      STRATA_TRY(operands(line, instr));
      instr.imm = line.accept("return") ? 1 : 0;
      return {};
    case Op::jump:
    case Op::branch: return targets(line, instr);
    default: return operands(line, instr);
  }
}

Result<void> Parser::instr(Line& line) {
  if (!open_) return fail("an instruction outside a block");
  std::string result;
  if (line.peek().starts_with('%')) {
    result = line.next();
    STRATA_TRY(line.expect("="));
  }
  Instr instr;
  instr.sunk = line.accept("sunk");
  STRATA_TRY(operation(line.next(), instr));
  instr.type = implied_type(instr.op, instr.lane);
  if (shows_type(instr.op)) {
    constexpr std::string_view types[] = {"none", "i1", "i8", "i16", "i32", "i64", "f32", "f64", "f80", "v128"};
    instr.type = static_cast<Type>(STRATA_TRY(index_of(types, line.next(), "type")));
    if (instr.type == Type::none) return fail("none is no type of a value");
  }
  STRATA_TRY(details(line, instr));
  if (result.empty() != (result_type(unit_, instr) == Type::none)) {
    return fail("{} gives {}", written_name(instr.op), result.empty() ? "a value, so it must have a name" : "no value");
  }
  if (!result.empty() && !values_.emplace(result, unit_.code.size()).second) return fail("{} is defined twice", result);
  unit_.code.push_back(instr);
  open_->end = static_cast<uint32_t>(unit_.code.size());
  return {};
}

Result<void> Parser::line(Line line) {
  if (line.peek().empty()) return {};
  if (line.accept("unit")) {
    STRATA_TRY(header(line));
  } else {
    Line label = line;
    const std::string_view word = label.next();
    if (label.accept(":")) {
      STRATA_TRY(block(word));
      line = label;
    } else {
      STRATA_TRY(instr(line));
    }
  }
  if (!line.peek().empty()) return fail("'{}' follows what should be the line's end", line.peek());
  return {};
}

Result<Unit> Parser::parse(std::string_view text) {
  for (size_t count = 1; !text.empty(); ++count) {
    const size_t end = std::min(text.find('\n'), text.size());
    STRATA_TRY(with_context(line(Line(text.substr(0, end))), "line {}", count));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  STRATA_TRY(verify(unit_));
  return std::move(unit_);
}

}  // namespace

Result<Unit> parse(std::string_view text, const StateLayout& layout, FindHelper find_helper) {
  return Parser(layout, find_helper).parse(text);
}

}  // namespace strata::ir
