// The control socket: requests and answers, and clients that mean no good.
#include "network/switch/control_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <random>

#include "network/switch/control_client.h"

namespace strata::network {
namespace {

class ControlServerTest : public testing::Test {
 protected:
  ControlServerTest() {
    std::string pattern = "/tmp/strata-control-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    path_ = folder_ / "control";
    server_ = ControlServer::make(*loop_, path_, [this](const Json& request, UniqueFd passed) {
                return handle(request, std::move(passed));
              }).value();
    EXPECT_TRUE(loop_->start());
  }
  ~ControlServerTest() override {
    loop_->join();
    server_.reset();
    std::filesystem::remove_all(folder_);
  }

  ControlAnswer handle(const Json& request, UniqueFd passed) {
    if (flag_field(request, "writes_there")) {
      return {Json(passed && write(passed.get(), "here", 4) == 4)};
    }
    if (flag_field(request, "fails")) return {fail(ErrorCode::not_found, "port p9: not here")};
    ControlAnswer answer{Json(request.value("number", 0))};
    if (flag_field(request, "becomes_echo")) {
      answer.take_over = [](const UniqueFd& socket) { EXPECT_EQ(send(socket.get(), "raw", 3, MSG_NOSIGNAL), 3); };
    }
    return answer;
  }

  UniqueFd connect() const {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, path_.c_str());
    UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    return socket;
  }

  /// What comes up to the line feed, or until the other end closes.
  static std::string read_line(int socket) {
    std::string line;
    for (char c; recv(socket, &c, 1, 0) == 1 && c != '\n';) line += c;
    return line;
  }

  static void say(int socket, std::string_view text) {
    while (!text.empty()) {
      const ssize_t count = send(socket, text.data(), text.size(), MSG_NOSIGNAL);
      if (count <= 0) return;
      text.remove_prefix(static_cast<size_t>(count));
    }
  }

  int number_from_new_client(int number) const {
    const UniqueFd socket = connect();
    say(socket.get(), request_line({{"number", number}}));
    const auto answer = parse_answer(read_line(socket.get()));
    return answer && answer->is_number() ? answer->get<int>() : -1;
  }

  std::filesystem::path folder_, path_;
  std::unique_ptr<EventLoop> loop_ = EventLoop::make().value();
  std::unique_ptr<ControlServer> server_;
};

TEST_F(ControlServerTest, TakesADescriptorBesideARequest) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const UniqueFd reading(ends[0]), writing(ends[1]);
  auto client = ControlClient::connect_to(path_, "the server");
  ASSERT_TRUE(client);
  EXPECT_EQ(client->ask({{"writes_there", true}}, writing.get()), Json(true));
  char bytes[4];
  ASSERT_EQ(read(reading.get(), bytes, sizeof bytes), 4);
  EXPECT_EQ(std::string_view(bytes, 4), "here");
  EXPECT_EQ(client->ask({{"writes_there", true}}), Json(false));  // it was of the request before
}

TEST_F(ControlServerTest, AnswersEachRequestInOrder) {
  const UniqueFd socket = connect();
  say(socket.get(), request_line({{"number", 1}}) + request_line({{"number", 2}}));
  EXPECT_EQ(parse_answer(read_line(socket.get())).value(), 1);
  EXPECT_EQ(parse_answer(read_line(socket.get())).value(), 2);
}

TEST_F(ControlServerTest, ErrorsKeepCodeAndMessage) {
  const UniqueFd socket = connect();
  say(socket.get(), request_line({{"fails", true}}));
  const auto answer = parse_answer(read_line(socket.get()));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error(), (Error{ErrorCode::not_found, "port p9: not here"}));
}

TEST_F(ControlServerTest, SocketIsForThisUserOnly) {
  struct stat about = {};
  ASSERT_EQ(stat(path_.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0700u);
}

TEST_F(ControlServerTest, ConnectionIsHandedOverBehindTheAnswer) {
  const UniqueFd socket = connect();
  say(socket.get(), request_line({{"becomes_echo", true}}));
  EXPECT_TRUE(parse_answer(read_line(socket.get())));
  EXPECT_EQ(read_line(socket.get()), "raw");
}

TEST_F(ControlServerTest, WhoSpeaksBeforeTheHandOverIsCutOff) {
  const UniqueFd socket = connect();
  say(socket.get(), request_line({{"becomes_echo", true}}) + "early");
  EXPECT_TRUE(parse_answer(read_line(socket.get())));
  EXPECT_EQ(read_line(socket.get()), "");
}

TEST_F(ControlServerTest, NonsenseIsAnsweredWithAnError) {
  const std::string deep(200'000, '[');
  const std::string_view lines[] = {
      "", "nonsense", "[]", "{\"version\":1", "{}", "{\"version\":\"1\"}", "{\"version\":99}", "\xff\xfe", deep};
  for (const std::string_view line : lines) {
    const UniqueFd socket = connect();
    say(socket.get(), line);
    say(socket.get(), "\n");
    EXPECT_FALSE(parse_answer(read_line(socket.get()))) << line.substr(0, 20);
    EXPECT_EQ(number_from_new_client(7), 7);
  }
}

TEST_F(ControlServerTest, RequestWithoutEndIsRefused) {
  const UniqueFd socket = connect();
  say(socket.get(), std::string(largest_request + 1, 'x'));
  EXPECT_THAT(read_line(socket.get()), testing::HasSubstr("at most"));
  EXPECT_EQ(read_line(socket.get()), "");  // and closed
}

TEST_F(ControlServerTest, SilentClientsDoNotKeepOthersOut) {
  std::vector<UniqueFd> silent;
  for (int i = 0; i < 200; ++i) silent.push_back(connect());
  EXPECT_EQ(number_from_new_client(5), 5);
}

TEST_F(ControlServerTest, RandomBytesAndSuddenEndsDoNoHarm) {
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    const UniqueFd socket = connect();
    std::string bytes(random() % 5000, ' ');
    for (char& c : bytes) c = static_cast<char>(random());
    say(socket.get(), bytes);
    if (round % 3 == 0) say(socket.get(), request_line({{"becomes_echo", true}}));
  }
  EXPECT_EQ(number_from_new_client(9), 9);
}

}  // namespace
}  // namespace strata::network
