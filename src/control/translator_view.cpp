// Printers of units, and the map for perf.
#include "control/translator_view.h"

#include <unistd.h>

#include <string>

#include "control/perf_map.h"
#include "control/terminal_console.h"
#include "engine/unit_printer.h"
#include "machine/pc/this_processor.h"

namespace strata::control {
namespace {

/// To standard error, also while the console has the terminal in its raw form.
void print_text(std::string_view text) {
  static const bool raw = isatty(STDERR_FILENO) == 1;
  std::string out;
  for (const char letter : text) out += raw && letter == '\n' ? "\r\n" : std::string(1, letter);
  write_patiently(STDERR_FILENO, std::as_bytes(std::span(out)));
}

}  // namespace

Result<std::vector<std::unique_ptr<engine::UnitObserver>>> make_observers(const MachineOptions& options) {
  std::vector<std::unique_ptr<engine::UnitObserver>> made;
  const TraceChoice& trace = options.trace;
  if (trace.ir || trace.code) {
    const engine::UnitPrinterOptions printed = {.ir = trace.ir, .code = trace.code, .address = trace.address};
    made.push_back(std::make_unique<engine::UnitPrinter>(printed, print_text));
  }
  if (options.perf_map) {
    const std::string path = PerfMap::path_of_this_process();
    made.push_back(STRATA_TRY(PerfMap::make(path)));
    fmt::print(stderr, "strata: {} names translated code\n", path);
  }
  return made;
}

void print_numbered_step(const engine::TraceStep& step) {
  print_text(fmt::format("{}: {} {:x}\n", machine::pc::this_processor, step.insns, step.key.address));
}

void print_step(const engine::TraceStep& step) { print_text(fmt::format("{} {:x}\n", step.insns, step.key.address)); }

}  // namespace strata::control
