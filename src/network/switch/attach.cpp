// A machine's end of attaching to a switch.
#include "network/switch/attach.h"

#include "network/switch/control_client.h"
#include "network/switch/settings_json.h"

namespace strata::network {

Result<AttachedMachine> attach_machine(const MachineAttachment& attachment) {
  ControlClient client = STRATA_TRY(ControlClient::connect(attachment.network));
  const Json answer = STRATA_TRY(client.ask({{"request", "attach"},
                                             {"machine", attachment.machine},
                                             {"offloads", attachment.offloads},
                                             {"settings", settings_to_json(attachment.settings)}}));
  AttachedMachine attached;
  attached.port = text_field_or(answer, "port", attachment.machine);
  attached.mtu = static_cast<uint16_t>(number_field_or(answer, "mtu", 1500));
  attached.socket = std::move(client).take();
  return attached;
}

}  // namespace strata::network
