// The fuzz driver for g++: runs LLVMFuzzerTestOneInput on a corpus, then on new inputs until the time or the
// number of runs is over. It has the names of libFuzzer's options, so that one command line serves both.
#include <fmt/format.h>
#include <signal.h>
#include <sys/time.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <random>
#include <string>
#include <string_view>

#include "tests/fuzz/coverage.h"
#include "tests/fuzz/mutator.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
// Of the address sanitizer, where the target is built with it.
extern "C" [[gnu::weak]] void __sanitizer_set_death_callback(void (*callback)());

namespace strata::fuzz {
namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  std::uint64_t seconds = 0;  // 0: no limit of time
  std::uint64_t runs = 0;     // 0: no limit of runs
  std::uint64_t seed = 0;     // 0: one is drawn
  std::uint64_t max_len = 4096;
  std::uint64_t timeout = 10;  // seconds that one input may take
  std::vector<std::filesystem::path> corpus;
};

// What the handlers of a crash need; they cannot be given arguments.
const Input* current_input = nullptr;
std::uint64_t current_seed = 0;
std::atomic<unsigned> seconds_in_current_input = 0;
unsigned allowed_seconds = 0;

// Keeps the input that is running. Runs inside of a crash, so it asks nothing of the heap.
void keep_input() {
  if (current_input == nullptr) return;
  char name[64];
  std::snprintf(name, sizeof name, "crash-%llu", static_cast<unsigned long long>(current_seed));
  if (std::FILE* file = std::fopen(name, "wb")) {
    std::fwrite(current_input->data(), 1, current_input->size(), file);
    std::fclose(file);
  }
  std::fprintf(stderr,
               "fuzz: seed %llu: the input is kept in %s (%zu bytes); run the target with that file to see it again\n",
               static_cast<unsigned long long>(current_seed), name, current_input->size());
  current_input = nullptr;
}

void on_fatal_signal(int signal_number) {
  keep_input();
  signal(signal_number, SIG_DFL);
  raise(signal_number);
}

void on_second(int) {
  if (current_input == nullptr || ++seconds_in_current_input <= allowed_seconds) return;
  std::fprintf(stderr, "fuzz: an input runs for more than %u seconds\n", allowed_seconds);
  keep_input();
  std::abort();
}

void install_handlers() {
  if (__sanitizer_set_death_callback != nullptr) {
    __sanitizer_set_death_callback(keep_input);
  } else {
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL}) signal(fault, on_fatal_signal);
  }
  signal(SIGABRT, on_fatal_signal);
  signal(SIGALRM, on_second);
  const itimerval every_second = {{1, 0}, {1, 0}};
  setitimer(ITIMER_REAL, &every_second, nullptr);
}

class Driver {
 public:
  explicit Driver(const Options& options)
      : options_(options), mutator_(options.seed, options.max_len), start_(Clock::now()) {}

  void run() {
    for (const auto& path : options_.corpus) run_corpus(path);
    if (options_.seconds == 0 && options_.runs == 0) return;
    while (!is_over()) {
      try_input(next_input());
    }
  }

  void print_summary() const {
    const auto elapsed = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - start_);
    fmt::print(stderr, "fuzz: seed {}: {} runs in {} s, {} inputs kept, {} jumps covered, no failure\n", options_.seed,
               runs_, elapsed.count(), interesting_.size(), covered_jumps());
  }

 private:
  void run_corpus(const std::filesystem::path& path) {
    if (!std::filesystem::is_directory(path)) return run_file(path);
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(path)) files.push_back(entry.path());
    std::sort(files.begin(), files.end());  // the same order everywhere, for the seed to mean the same
    for (const auto& file : files) run_file(file);
  }

  void run_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
      fmt::print(stderr, "fuzz: cannot read {}\n", path.string());
      std::exit(2);
    }
    Input input{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    run_once(input);
    found_new_coverage();
    interesting_.push_back(std::move(input));
  }

  Input next_input() {
    if (interesting_.empty() || mutator_.below(16) == 0) return mutator_.make();
    return mutator_.mutate(pick(), pick());
  }

  const Input& pick() { return interesting_[mutator_.below(interesting_.size())]; }

  void try_input(const Input& input) {
    run_once(input);
    // Without coverage, long chains of mutations still come from a few random inputs.
    if (found_new_coverage() || interesting_.size() < 16) interesting_.push_back(input);
  }

  void run_once(const Input& input) {
    begin_coverage();
    seconds_in_current_input = 0;
    current_input = &input;
    LLVMFuzzerTestOneInput(input.data(), input.size());
    current_input = nullptr;
    ++runs_;
  }

  [[nodiscard]] bool is_over() const {
    if (options_.runs != 0 && runs_ >= options_.runs) return true;
    return options_.seconds != 0 && Clock::now() - start_ >= std::chrono::seconds(options_.seconds);
  }

  const Options& options_;
  Mutator mutator_;
  std::vector<Input> interesting_;
  std::uint64_t runs_ = 0;
  Clock::time_point start_;
};

// Reads "-name=number" into value; false if the argument is another one.
bool parse_number(std::string_view argument, std::string_view name, std::uint64_t& value) {
  if (!argument.starts_with(name)) return false;
  argument.remove_prefix(name.size());
  const auto [end, error] = std::from_chars(argument.data(), argument.data() + argument.size(), value);
  return error == std::errc() && end == argument.data() + argument.size();
}

std::optional<Options> parse_options(int count, char** arguments) {
  Options options;
  for (int i = 1; i < count; ++i) {
    const std::string_view argument = arguments[i];
    const bool known =
        parse_number(argument, "-max_total_time=", options.seconds) ||
        parse_number(argument, "-seconds=", options.seconds) || parse_number(argument, "-runs=", options.runs) ||
        parse_number(argument, "-seed=", options.seed) || parse_number(argument, "-max_len=", options.max_len) ||
        parse_number(argument, "-timeout=", options.timeout);
    if (known) continue;
    if (argument.starts_with('-')) {
      fmt::print(stderr, "fuzz: bad option {}; -seconds=N -runs=N -seed=N -max_len=N -timeout=N and files are known\n",
                 argument);
      return std::nullopt;
    }
    options.corpus.emplace_back(argument);
  }
  if (options.corpus.empty() && options.seconds == 0 && options.runs == 0) options.seconds = 60;
  if (options.seed == 0) options.seed = std::random_device()();
  options.max_len = std::max<std::uint64_t>(options.max_len, 1);
  return options;
}

}  // namespace
}  // namespace strata::fuzz

int main(int count, char** arguments) {
  using namespace strata::fuzz;
  const auto options = parse_options(count, arguments);
  if (!options) return 2;
  current_seed = options->seed;
  allowed_seconds = static_cast<unsigned>(options->timeout);
  fmt::print(stderr, "fuzz: seed {}\n", options->seed);
  install_handlers();
  Driver driver(*options);
  driver.run();
  driver.print_summary();
  return 0;
}
