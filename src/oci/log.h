// The file in which an engine looks for what went wrong.
#pragma once

#include <string>

namespace strata::oci {

struct Log {
  std::string path;  // empty: none
  std::string format = "text";

  /// Appends an error; that the file cannot be written is not worth another.
  void write(const std::string& message) const;
};

}  // namespace strata::oci
