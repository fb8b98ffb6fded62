// Writes the time of day.
#include "container/utc_time.h"

#include <fmt/format.h>

#include <ctime>

namespace strata::container {

std::string utc_now() {
  timespec time{};
  ::clock_gettime(CLOCK_REALTIME, &time);
  std::tm utc{};
  ::gmtime_r(&time.tv_sec, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
  return fmt::format("{}.{:09}Z", text, time.tv_nsec);
}

}  // namespace strata::container
