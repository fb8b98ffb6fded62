// The map by which samples of perf get the names of translated code: a line for each unit.
#pragma once

#include <cstdio>
#include <memory>
#include <string>

#include "base/result.h"
#include "engine/unit_observer.h"

namespace strata::control {

/// Of the form in the kernel's tools/perf/Documentation/jit-interface.txt, and where that has it; tools/perf_guest reads
/// it. It knows no time: where memory of dropped units was used again, the last one has the samples of all.
class PerfMap final : public engine::UnitObserver {
 public:
  /// Makes the file anew.
  static Result<std::unique_ptr<PerfMap>> make(const std::string& path);
  /// Where perf looks for that of this process.
  static std::string path_of_this_process();

  void compiled(const isa::CodeKey& key, const ir::Unit& unit, const codegen::Code& code) override;

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  explicit PerfMap(std::FILE* file) : file_(file) {}

  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace strata::control
