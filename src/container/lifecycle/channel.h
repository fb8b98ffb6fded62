// What the runtime and the process that becomes the container say to each other while it is made.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"

#include <optional>
#include <string>
#include <utility>

namespace strata::container {

enum class Word : char {
  mapped = 'u',    // to the child: its user namespace has its id maps
  cgroups = 'c',   // to the child: the folders of its cgroups are there
  joined = 'j',    // to the child: it is in its cgroups, and on record
  mounted = 'm',   // from the child, if the runtime has to do with that: all is mounted, the host's tree still in sight
  proceed = 'p',   // to the child, the answer: that is done
  ready = 'r',     // from the child that waits for `start`: only that is missing
  terminal = 't',  // from the child: a terminal's master end is beside this word
  failed = 'f',    // from the child: the text says what
};

/// One end. Ends close on exec, by which the other end learns that the program runs.
class Channel {
 public:
  Channel() = default;
  explicit Channel(UniqueFd socket) : socket_(std::move(socket)) {}
  [[nodiscard]] static Result<std::pair<Channel, Channel>> make();

  void say(Word word, std::string_view text = {}) const;
  /// A word with a descriptor.
  [[nodiscard]] bool send(Word word, int fd) const;

  /// Waits for that word. What the other end says has failed, or that it is gone, is the error.
  [[nodiscard]] Result<void> expect(Word word);
  /// Waits until the other end closes; an error if it says that something has failed.
  [[nodiscard]] Result<void> expect_end();
  /// The descriptor that came with the last word, if one did.
  [[nodiscard]] UniqueFd take_fd() { return std::move(fd_); }

  [[nodiscard]] int get() const { return socket_.get(); }
  void close() { socket_.reset(); }

 private:
  [[nodiscard]] Result<std::optional<Word>> receive();

  UniqueFd socket_;
  UniqueFd fd_;
  std::string text_;
};

}  // namespace strata::container
