// What the runtime and the process that becomes the container say to each other while it is made.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace strata::container {

enum class Word : char {
  mapped = 'u',   // to the child: its user namespace has its id maps
  cgroups = 'c',  // to the child: its cgroups are there and it is on record; beside it the files by which it joins them
  mounted = 'm',  // from the child, if the runtime has to do with that: all is mounted, the host's tree still in sight
  proceed = 'p',  // to the child, the answer: that is done
  ready = 'r',    // from the child that waits for `start`: only that is missing
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
  /// A word with descriptors.
  [[nodiscard]] bool send(Word word, std::span<const int> fds) const;

  /// Waits for that word. What the other end says has failed, or that it is gone, is the error.
  [[nodiscard]] Result<void> expect(Word word);
  /// Waits until the other end closes; an error if it says that something has failed.
  [[nodiscard]] Result<void> expect_end();
  /// The descriptors that came with the last word.
  [[nodiscard]] std::vector<UniqueFd> take_fds() { return std::move(fds_); }

  [[nodiscard]] int get() const { return socket_.get(); }
  void close() { socket_.reset(); }

 private:
  [[nodiscard]] Result<std::optional<Word>> receive();

  UniqueFd socket_;
  std::vector<UniqueFd> fds_;
  std::string text_;
};

}  // namespace strata::container
