// What C++ does at the places where translated code goes to it (exit_place.h).
#pragma once

#include <cstddef>
#include <cstdint>

#include "codegen/x64/exit_place.h"
#include "ir/runtime.h"

namespace strata::codegen::x64 {

/// Where code goes on, and with what in rcx.
struct Resume {
  const std::byte* at = nullptr;  ///< nullptr: the access is refused
  uint64_t rcx = 0;
};

// `cells` are those of the frame, where the thunk has saved all registers and takes them from again.
Resume slow_load(const CodeData* data, const ExitPlace* place, ir::ExecContext* context, std::byte* cells);
Resume slow_store(const CodeData* data, const ExitPlace* place, ir::ExecContext* context, std::byte* cells);
Resume slow_update(const CodeData* data, const ExitPlace* place, ir::ExecContext* context, std::byte* cells);
Resume slow_float_stack(const CodeData* data, const ExitPlace* place, ir::ExecContext* context, std::byte* cells);

/// Makes the state exact.
ir::RunResult leave_at(const CodeData* data, const ExitPlace* place, ir::ExecContext* context, std::byte* cells);

}  // namespace strata::codegen::x64
