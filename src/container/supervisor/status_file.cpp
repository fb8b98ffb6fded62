// Reads and writes status.json.
#include "container/supervisor/status_file.h"

#include "base/json_reader.h"
#include "container/files.h"

namespace strata::container {

Result<void> write_status(const std::string& bundle, const ContainerStatus& status) {
  const nlohmann::ordered_json json = {{"state", status.state},
                                       {"pid", status.pid},
                                       {"started", status.started},
                                       {"finished", status.finished},
                                       {"exitCode", status.exit_code},
                                       {"restarts", status.restarts},
                                       {"stoppedByUser", status.stopped_by_user},
                                       {"error", status.error},
                                       {"health", status.health},
                                       {"healthFailures", status.health_failures}};
  return replace_file(bundle + "/status.json", json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

Result<ContainerStatus> read_status(const std::string& bundle) {
  const std::string path = bundle + "/status.json";
  ContainerStatus status;
  const auto text = read_file(path);
  if (!text && text.error().code == ErrorCode::not_found) return status;
  if (!text) return tl::unexpected(text.error());
  const auto document = nlohmann::json::parse(*text, nullptr, /*allow_exceptions=*/false);
  if (!document.is_object()) return fail(ErrorCode::bad_data, "{} is no JSON object", path);
  JsonProblem problem;
  const JsonReader json(&document, "", problem);
  status.state = json["state"].required().text();
  status.pid = json["pid"].number<pid_t>();
  status.started = json["started"].text();
  status.finished = json["finished"].text();
  status.exit_code = json["exitCode"].number<int>();
  status.restarts = json["restarts"].number<unsigned>();
  status.stopped_by_user = json["stoppedByUser"].boolean();
  status.error = json["error"].text();
  status.health = json["health"].text();
  status.health_failures = json["healthFailures"].number<unsigned>();
  STRATA_TRY(with_context(problem.result(), "{}", path));
  return status;
}

}  // namespace strata::container
