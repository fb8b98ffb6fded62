// What --trace and --perf-map show of the translator's work.
#pragma once

#include <memory>
#include <vector>

#include "base/result.h"
#include "control/machine_options.h"
#include "engine/trace.h"
#include "engine/unit_observer.h"

namespace strata::control {

/// Those that the options ask for; they print to standard error.
[[nodiscard]] Result<std::vector<std::unique_ptr<engine::UnitObserver>>> make_observers(const MachineOptions& options);

/// `--trace run`: a line for each unit, with the count of instructions before it and its address.
void print_step(const engine::TraceStep& step);
/// With the processor's number in front: for machines of several.
void print_numbered_step(const engine::TraceStep& step);

}  // namespace strata::control
