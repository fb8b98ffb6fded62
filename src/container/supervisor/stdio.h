// ProgramStdio: the supervisor's ends of a program's standard input and outputs, pipes or a terminal.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"
#include "container/spec/spec.h"

#include <string>
#include <string_view>

namespace strata::container {

class ProgramStdio {
 public:
  /// Those of a new program. Without `input` it reads the end of a file. A terminal comes by the socket `console` in the
  /// working directory, by take_terminal().
  [[nodiscard]] static Result<ProgramStdio> make(bool terminal, bool input);

  /// In the child: takes the program's ends. Allocates nothing.
  void become() const;
  /// In the parent, when the child has them.
  void forget_program_ends();

  /// Listens for the terminal, readable when the runtime sends it; -1 where there is none or it is here.
  [[nodiscard]] int awaited() const { return console_.get(); }
  /// Takes the terminal from the runtime.
  [[nodiscard]] Result<void> take_terminal();
  /// For a client that asked before there was a terminal.
  void resize(TerminalSize size);

  /// Descriptors to wait for; -1 where nothing more will come.
  [[nodiscard]] int output() const { return output_.get(); }
  [[nodiscard]] int error_output() const { return error_output_.get(); }
  [[nodiscard]] bool has_output() const { return output_ || error_output_; }
  /// Reads what is there; empty when nothing is, now or (the descriptor is closed then) ever.
  [[nodiscard]] std::string_view read(bool error_output);

  /// Gives bytes to the program; those that it does not take at once wait here.
  void write(std::string_view bytes);
  void end_input();
  /// Whether bytes wait: clients are not heard meanwhile.
  [[nodiscard]] bool input_waits() const { return !waiting_.empty(); }
  [[nodiscard]] int input() const { return terminal_ ? output_.get() : input_.get(); }
  void flush_input();

 private:
  bool terminal_ = false;
  UniqueFd console_;
  UniqueFd input_, output_, error_output_;  // of a terminal, output_ is both ways
  UniqueFd program_input_, program_output_, program_error_output_;
  std::string waiting_;
  bool end_after_waiting_ = false;
  TerminalSize size_;
};

}  // namespace strata::container
