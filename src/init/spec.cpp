// Reads the records of a machine's specification in place.
#include "init/spec.h"

#include "init/text.h"

namespace strata::init {
namespace {

/// A list that ends with a null pointer.
class PointerList {
 public:
  explicit PointerList(std::span<char*> room) : room_(room) {
    if (!room_.empty()) room_[0] = nullptr;
  }
  bool add(char* pointer) {
    if (count_ + 1 >= room_.size()) return false;
    room_[count_++] = pointer;
    room_[count_] = nullptr;
    return true;
  }
  char** data() const { return room_.data(); }
  std::size_t count() const { return count_; }

 private:
  std::span<char*> room_;
  std::size_t count_ = 0;
};

std::size_t count_of(std::string_view content, std::string_view key) {
  std::size_t count = 0;
  while (!content.empty()) {
    std::string_view record = take_until(content, '\0');
    if (take_until(record, '=') == key) count++;
  }
  return count;
}

bool set_number(unsigned& number, const char* value) {
  const auto parsed = parse_number(value);
  number = parsed.value_or(0);
  return parsed && number <= 0xffff;
}

bool set(Spec& spec, std::string_view key, const char* value) {
  if (key == "root") spec.root = value;
  else if (key == "type") spec.type = value;
  else if (key == "init") spec.init = value;
  else if (key == "host-name") spec.host_name = value;
  else if (key == "directory") spec.directory = value;
  else if (key == "user") spec.user = value;
  else if (key == "network") spec.network = std::string_view(value) == "dhcp";
  else if (key == "terminal") spec.terminal = std::string_view(value) == "yes";
  else if (key == "console") spec.console = value;
  else if (key == "errors") spec.errors = value;
  else if (key == "rows") return set_number(spec.rows, value);
  else if (key == "columns") return set_number(spec.columns, value);
  else if (key == "exit-port") return set_number(spec.exit_port.emplace(), value);
  else return false;
  return true;
}

}  // namespace

std::size_t pointers_in(std::string_view content) {
  return count_of(content, "argument") + 1 + count_of(content, "environment") + 1;
}

std::optional<Spec> read_spec(std::span<char> content, std::span<char*> pointers) {
  std::string_view rest(content.data(), content.size());
  if (rest.empty() || rest.back() != '\0') return std::nullopt;
  const std::size_t most_arguments = count_of(rest, "argument") + 1;
  if (pointers.size() < pointers_in(rest)) return std::nullopt;
  Spec spec;
  PointerList arguments(pointers.first(most_arguments)), environment(pointers.subspan(most_arguments));
  while (!rest.empty()) {
    std::string_view record = take_until(rest, '\0');
    char* const begin = content.data() + (record.data() - content.data());
    const std::string_view key = take_until(record, '=');
    if (record.data() == key.data() + key.size()) return std::nullopt;  // no '='
    char* const value = begin + key.size() + 1;
    const bool good = key == "argument"      ? arguments.add(value)
                      : key == "environment" ? environment.add(value)
                                             : set(spec, key, value);
    if (!good) return std::nullopt;
  }
  spec.arguments = arguments.data();
  spec.environment = environment.data();
  const bool whole = spec.root != nullptr && (spec.init != nullptr || arguments.count() > 0);
  return whole ? std::optional(spec) : std::nullopt;
}

}  // namespace strata::init
