// logs: what a container has printed, out of the files that its supervisor writes.
#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <deque>

#include "control/container_client.h"
#include "control/container_store.h"
#include "control/running_commands.h"

namespace strata::control {
namespace {

/// "TIME STREAM TAG TEXT".
struct LogLine {
  std::string_view time, stream, text;
  bool whole = false;  ///< else more of the same line follows
};

LogLine parse(std::string_view line) {
  LogLine parsed;
  const auto word = [&] {
    const size_t end = line.find(' ');
    const std::string_view part = line.substr(0, end);
    line = end == line.npos ? std::string_view{} : line.substr(end + 1);
    return part;
  };
  parsed.time = word();
  parsed.stream = word();
  parsed.whole = word() == "F";
  parsed.text = line;
  return parsed;
}

/// A point in time as the log writes it, so that texts can be compared.
Result<std::string> since_of(const std::string& since) {
  if (since.empty()) return since;
  if (since.size() > 10 && since[4] == '-' && (since[10] == 'T')) {
    std::tm utc = {};
    const char* const end = ::strptime(since.c_str(), "%Y-%m-%dT%H:%M:%S", &utc);
    if (end != nullptr && (*end == 'Z' || *end == '.' || *end == '\0')) return since;
  }
  const auto back = parse_seconds("--since", since, container::Seconds(0));
  if (!back)
    return fail(ErrorCode::usage,
                "--since '{}' is neither a time back from now (90s, 10m, 2h) nor UTC such as 2026-01-31T12:00:00Z",
                since);
  const std::time_t when = std::time(nullptr) - back->count();
  std::tm utc = {};
  ::gmtime_r(&when, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
  return std::string(text);
}

class LogPrinter {
 public:
  LogPrinter(const LogRequest& request, std::string since) : request_(request), since_(std::move(since)) {}

  void add(const LogLine& line) {
    if (line.time < since_) return;
    std::FILE* const to = line.stream == "stderr" ? stderr : stdout;
    std::string out;
    if (request_.timestamps && at_begin_) out = std::string(line.time) + " ";
    out += line.text;
    if (line.whole) out += '\n';
    at_begin_ = line.whole;
    std::fwrite(out.data(), 1, out.size(), to);
  }

 private:
  const LogRequest& request_;
  std::string since_;
  bool at_begin_ = true;
};

/// Reads lines of one file from where it was left.
class LogReader {
 public:
  explicit LogReader(const std::string& path) : file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  bool is_open() const { return static_cast<bool>(file_); }

  template <class F>
  void read(F&& each) {
    char chunk[65536];
    for (ssize_t size; (size = ::read(file_.get(), chunk, sizeof chunk)) > 0;) {
      rest_.append(chunk, static_cast<size_t>(size));
      size_t begin = 0;
      for (size_t end; (end = rest_.find('\n', begin)) != rest_.npos; begin = end + 1)
        each(std::string_view(rest_).substr(begin, end - begin));
      rest_.erase(0, begin);
    }
  }

  ino_t inode() const {
    struct stat found = {};
    return ::fstat(file_.get(), &found) == 0 ? found.st_ino : 0;
  }

 private:
  UniqueFd file_;
  std::string rest_;
};

/// What the file system says of changes in a folder.
class FolderWatch {
 public:
  static Result<FolderWatch> make(const std::string& folder) {
    FolderWatch watch;
    watch.fd_.reset(::inotify_init1(IN_CLOEXEC));
    if (!watch.fd_ ||
        ::inotify_add_watch(watch.fd_.get(), folder.c_str(), IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF) < 0)
      return fail_errno("watching {}", folder);
    return watch;
  }
  /// Until something has changed, or the other descriptor is readable.
  void wait(int other) const {
    pollfd waits[] = {{fd_.get(), POLLIN, 0}, {other, POLLIN, 0}};
    char events[4096];
    if (::poll(waits, std::size(waits), -1) > 0 && waits[0].revents) (void)::read(fd_.get(), events, sizeof events);
  }

 private:
  UniqueFd fd_;
};

/// Files of one log, the oldest first.
std::vector<std::string> files_of(const std::string& log) {
  std::vector<std::string> files = {log};
  for (int number = 1; ::access(fmt::format("{}.{}", log, number).c_str(), F_OK) == 0; ++number)
    files.insert(files.begin(), fmt::format("{}.{}", log, number));
  return files;
}

Result<void> follow(const ContainerPlaces& places, const std::string& log, LogReader reader, LogPrinter& printer) {
  const auto watch = STRATA_TRY(FolderWatch::make(places.folder.string()));
  const auto print = [&](std::string_view line) { printer.add(parse(line)); };
  const auto client = ContainerClient::connect(places);
  while (true) {
    // Before reading: what it printed last is read below. The supervisor's end closes the connection.
    pollfd end = {client ? client->descriptor() : -1, POLLIN, 0};
    const bool runs = client && ::poll(&end, 1, 0) == 0;
    reader.read(print);
    struct stat now = {};
    if (::stat(log.c_str(), &now) == 0 && now.st_ino != reader.inode()) {  // rotated
      reader = LogReader(log);
      reader.read(print);
    }
    std::fflush(stdout);
    if (!runs) return {};
    watch.wait(client->descriptor());
  }
}

}  // namespace

Result<void> print_log(const LogRequest& request) {
  const ContainerPlaces places = STRATA_TRY(find_container(request.name));
  LogPrinter printer(request, STRATA_TRY(since_of(request.since)));
  const std::string log = (places.folder / "log").string();
  std::deque<std::string> last;
  uint64_t lines = 0;
  const auto keep = [&](std::string_view line) {
    if (!request.tail) return printer.add(parse(line));
    last.emplace_back(line);
    lines += parse(line).whole;
    while (lines > *request.tail || (*request.tail == 0 && !last.empty())) {
      lines -= parse(last.front()).whole;
      last.pop_front();
    }
  };
  std::optional<LogReader> reader;
  for (const auto& file : files_of(log)) {
    reader.emplace(file);
    reader->read(keep);
  }
  for (const auto& line : last) printer.add(parse(line));
  if (!request.follow) return {};
  return follow(places, log, std::move(*reader), printer);
}

}  // namespace strata::control
