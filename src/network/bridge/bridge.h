// Bridge: an IEEE 802.1Q VLAN bridge as a library: no sockets, threads or clocks, the same input gives the same output.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "network/bridge/config.h"
#include "network/bridge/counters.h"
#include "network/bridge/fdb.h"
#include "network/bridge/frame.h"
#include "network/bridge/protocol.h"

namespace strata::network::bridge {

struct Port;
struct Vlan;
struct Arrival;

/// Where a port's frames go.
class Sink {
 public:
  virtual ~Sink() = default;
  /// Moves the first n frames away and returns n; the others stay queued. Does not call the bridge.
  virtual std::size_t send(std::span<Frame> frames) = 0;
};

/// A station that the bridge knows of.
struct Station {
  Vid fid = no_vid;  ///< the VLAN, or the lowest VLAN of a set that learns together
  MacAddress address;
  PortId port = no_port;
  bool is_static = false;
  Time age{};  ///< since it was heard; 0 for static ones
};

/// One thread at a time. Operations on ports take a port that is there: has_port().
class Bridge {
 public:
  /// The pool outlives the bridge.
  static Result<std::unique_ptr<Bridge>> make(FramePool& pool, const BridgeConfig& config = {});
  ~Bridge();

  FramePool& pool() { return pool_; }

  // Configuration, at any time. Frames of VLANs that a change does not touch are not lost, also those that wait.

  /// Errors: an impossible configuration, a name that is taken, no number left.
  Result<PortId> add_port(const PortConfig& config, Time now);
  Result<void> reconfigure(PortId port, const PortConfig& config, Time now);
  void remove_port(PortId port, Time now);
  /// Learnt addresses are forgotten if what learns together has changed.
  Result<void> reconfigure(const BridgeConfig& config, Time now);
  /// What waits for a port that becomes a destination, or was one, is lost.
  Result<void> set_mirrors(const std::vector<Mirror>& mirrors);

  const BridgeConfig& config() const { return config_; }
  const PortConfig& config(PortId port) const;
  const std::vector<Mirror>& mirrors() const { return mirrors_; }
  const PortSet& ports() const { return ports_; }
  bool has_port(PortId port) const { return port < max_ports && ports_.contains(port); }
  std::optional<PortId> find_port(std::string_view name) const;

  /// A new port is up. Down: what waits for it and what was learnt behind it is forgotten.
  void set_up(PortId port, bool up, Time now);
  bool is_up(PortId port) const;

  // Traffic.

  /// Takes the frames, which came in at this port in this order; the handles are empty afterwards.
  void receive(PortId port, std::span<Frame> frames, Time now);
  /// Hands up to `budget` waiting frames to the sink, in the order of their priorities; returns how many it took.
  std::size_t transmit(PortId port, std::size_t budget, Sink& sink, Time now);
  /// Ports with frames that may leave now.
  const PortSet& ready() const { return ready_; }

  /// Does what is due. To be called at or after next_deadline(), which any other call may change.
  void poll(Time now);
  Time next_deadline() const;

  // What is known.

  std::vector<Station> stations(Time now) const;  ///< by FID and address
  const PortCounters& counters(PortId port) const;
  /// VLANs that have a member.
  const VlanSet& vlans() const { return vlans_in_use_; }
  /// Of a VLAN in use.
  const VlanCounters& vlan_counters(Vid vid) const;
  PortSet members(Vid vid) const;
  /// All VLANs that the port is a member of, static and dynamic.
  const VlanSet& vlans(PortId port) const;

  // For control protocols.

  /// Frames to these addresses (01-80-C2-00-00-xx) go to the protocol and nowhere else. It outlives its attachment.
  void attach(Protocol& protocol, std::span<const MacAddress> addresses, Time now);
  void detach(Protocol& protocol);
  void set_snooper(Snooper* snooper) { snooper_ = snooper; }

  void set_state(PortId port, PortState state);
  PortState state(PortId port) const;
  /// Forgets what was learnt behind the port (13.16, topology change).
  void flush(PortId port);
  void flush(PortId port, Vid vid);
  /// Makes the port a member of the VLAN, tagged, or takes that back (MVRP); what is configured stays as it is.
  void set_registered(PortId port, Vid vid, bool registered);
  const VlanSet& registered(PortId port) const;

  /// Holds for a VLAN whether it is in use or not. In snooped VLANs, IP multicast goes to the ports of its group and to router ports; without group to router ports.
  void set_snooping(Vid vid, bool on);
  void set_router_ports(Vid vid, const PortSet& ports);
  void set_group(Vid vid, MacAddress group, const PortSet& ports);
  PortSet group(Vid vid, MacAddress group) const;

  /// Queues a frame of a protocol's own, as it is, whatever the port's state; if the port is up.
  void send(PortId port, Frame frame, std::uint8_t priority = 7);
  /// Queues an untagged frame that leaves as one of the VLAN, if the port forwards that.
  void send(PortId port, Vid vid, Frame frame, std::uint8_t priority);

 private:
  struct Group {
    PortSet configured;
    PortSet registered;
    bool empty() const { return configured.empty() && registered.empty(); }
  };
  struct Attachment {
    MacAddress address;
    Protocol* protocol;
  };

  Bridge(FramePool& pool, const BridgeConfig& config);

  // bridge.cpp, state.cpp: configuration and what is known
  Result<void> check_against_others(PortId port, const PortConfig& config) const;
  void apply(Port& port);
  void update_membership(Port& port);
  void update_forwarding(Port& port);
  void install_static_entries(Port& port);
  void remove_static_entries(Port& port);
  Vlan& use_vlan(Vid vid);
  Vid fid_of(Vid vid) const { return fids_[vid]; }
  void apply_mirrors();
  void forget_waiting(Port& port);
  void tell(PortId port, Time now);
  void sweep(Time now);
  bool expired(const Fdb::Entry& entry, std::uint32_t now_ms) const {
    return !entry.is_static && now_ms - entry.seen >= ageing_ms_;
  }
  void forget(const Fdb::Entry& entry);

  // ingress.cpp: from a port to the queues
  void receive_one(Port& port, Frame frame, Time now);
  void forward(Port& port, Frame frame, Time now);
  bool classify(Port& port, const Frame& frame, Arrival& arrival);
  bool admit(Port& port, const Frame& frame, const Arrival& arrival, Time now);
  bool learn(Port& port, const Arrival& arrival, Time now);
  bool take_control(Port& port, Frame& frame, MacAddress destination, Time now);
  const PortSet* select_group(Port& port, const Vlan& vlan, Frame& frame, const Arrival& arrival, Time now,
                              PortSet& selected);
  void flood(Port& port, Frame frame, const Arrival& arrival, PortSet targets);

  // egress.cpp: from the queues to a sink
  void enqueue(Port& port, Frame frame, const Arrival& arrival);
  void push(Port& port, Frame frame, Vid vid, std::uint8_t priority, bool drop_eligible);
  struct Batch;
  void gather(Port& port, Batch& batch, std::size_t most);
  void account(Port& port, const Batch& batch, std::size_t taken, Time now);
  void mirror(const Frame& frame, PortId destination);

  FramePool& pool_;
  BridgeConfig config_;
  std::array<std::unique_ptr<Port>, max_ports> port_;
  PortSet ports_;
  PortSet ready_;
  PortSet shaped_;  // have frames that wait for their port's rate
  PortSet isolated_;
  std::array<std::unique_ptr<Vlan>, 4096> vlan_;
  VlanSet vlans_in_use_;
  VlanSet snooped_;
  std::unordered_map<Vid, PortSet> routers_;
  std::array<Vid, 4096> fids_;
  Fdb fdb_;
  std::uint32_t ageing_ms_ = 0;
  Time last_sweep_{};
  std::unordered_map<std::uint64_t, Group> groups_;  // by VLAN and address, as in Fdb::key_of
  std::vector<Mirror> mirrors_;
  std::vector<Attachment> attachments_;
  std::vector<Protocol*> protocols_;
  Snooper* snooper_ = nullptr;
};

}  // namespace strata::network::bridge
