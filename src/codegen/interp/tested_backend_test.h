// The back end that the tests of this folder try: the interpreter, or any that has them built for itself.
#pragma once

#include "codegen/interp/interpreter.h"
#ifdef STRATA_TEST_X64
#include "codegen/x64/tested_host_test.h"
#include "codegen/x64/translator.h"
#endif

namespace strata::codegen::interp {

inline Backend& tested_backend() {
#ifdef STRATA_TEST_X64
  static thread_local x64::Translator backend(x64::tested_host());
#else
  static thread_local Interpreter backend;
#endif
  return backend;
}

inline Runner& tested_runner() {
  static thread_local const std::unique_ptr<Runner> runner = tested_backend().make_runner();
  return *runner;
}

/// For several runners.
inline std::unique_ptr<Backend> make_tested_backend() {
#ifdef STRATA_TEST_X64
  return std::make_unique<x64::Translator>(x64::tested_host(), x64::Sharing::several);
#else
  return std::make_unique<Interpreter>();
#endif
}

}  // namespace strata::codegen::interp
