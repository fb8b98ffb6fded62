// For tests: bridges with RSTP, joined by links, in virtual time; at every moment it can be seen whether there is a loop.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <numeric>
#include <queue>
#include <random>
#include <utility>
#include <vector>

#include "network/protocols/rstp.h"

namespace strata::network::protocols {

/// The address of a bridge is its index plus one: where all have one priority, the first is the root.
class RstpNetwork {
 public:
  struct End {
    size_t bridge;
    uint32_t port;
  };
  struct Link {
    End a, b;
    uint32_t cost = 20'000;
    bool is_up = true;   ///< both ends see it when it is not
    bool loses = false;  ///< nobody sees that
    size_t cuts = 0;     ///< how often it went down, with all that was on its way
  };

  explicit RstpNetwork(size_t bridges, const RstpOptions& options = {}, unsigned seed = 1) : random_(seed) {
    for (size_t i = 0; i < bridges; ++i) {
      RstpOptions own = options;
      own.address = i + 1;
      nodes_.push_back(std::make_unique<Node>(*this, i, own));
    }
  }

  Rstp& at(size_t bridge) { return nodes_[bridge]->rstp; }
  Link& link(size_t index) { return links_[index]; }
  size_t links() const { return links_.size(); }
  size_t bridges() const { return nodes_.size(); }
  Time now() const { return now_; }

  size_t connect(size_t a, size_t b, RstpPortOptions options = {}) {
    Link link;
    link.cost = options.path_cost;
    for (End* end : {&link.a, &link.b}) {
      end->bridge = end == &link.a ? a : b;
      end->port = next_port(end->bridge);
      at(end->bridge).add_port(end->port, options);
      nodes_[end->bridge]->links.push_back(links_.size());
    }
    links_.push_back(link);
    for (const End& end : {link.a, link.b}) at(end.bridge).set_up(end.port, true);
    return links_.size() - 1;
  }
  void set_link(size_t index, bool up) {
    links_[index].is_up = up;
    if (!up) ++links_[index].cuts;
    for (const End& end : {links_[index].a, links_[index].b}) at(end.bridge).set_up(end.port, up);
    check();
  }
  /// All links of a bridge.
  void set_power(size_t bridge, bool on) {
    for (const size_t link : nodes_[bridge]->links) set_link(link, on);
  }

  void run_for(Time duration) {
    const Time end = now_ + duration;
    for (;;) {
      Time next = frames_.empty() ? never : frames_.top().arrival;
      for (auto& node : nodes_) next = std::min(next, node->rstp.deadline());
      if (next > end) break;
      now_ = next;
      step();
      check();
    }
    now_ = end;
  }
  /// Until all is as it has to be; returns how long that took, `limit` at most.
  Time run_until_converged(Time limit) {
    const Time start = now_;
    while (!is_converged() && now_ - start < limit) run_for(std::chrono::milliseconds(1));
    return now_ - start;
  }

  const RstpPort& port(const End& end) { return at(end.bridge).ports().at(end.port); }
  bool is_active(const Link& link) { return link.is_up && port(link.a).forwarding && port(link.b).forwarding; }

  /// Called for every change by itself: a loop may not exist for a moment.
  void check() {
    std::vector<size_t> group(nodes_.size());
    std::iota(group.begin(), group.end(), size_t{0});
    const std::function<size_t(size_t)> find = [&](size_t i) { return group[i] == i ? i : group[i] = find(group[i]); };
    for (const Link& link : links_) {
      if (!is_active(link)) continue;
      const size_t a = find(link.a.bridge), b = find(link.b.bridge);
      if (a == b) loops_seen_++;
      group[a] = b;
    }
  }
  size_t loops_seen() const { return loops_seen_; }

  /// Whether all bridges are joined by links that are up.
  bool is_connected() {
    return reachable(0, [](const Link& link) { return link.is_up; }).size() == nodes_.size();
  }

  /// A tree spans what is joined, its root is the best bridge, and every path to it is the cheapest.
  bool is_converged() {
    std::vector<bool> done(nodes_.size());
    for (size_t start = 0; start < nodes_.size(); ++start) {
      if (done[start]) continue;
      const auto part = reachable(start, [](const Link& link) { return link.is_up; });
      for (const size_t i : part) done[i] = true;
      if (reachable(start, [this](const Link& link) { return is_active(link); }).size() != part.size()) return false;
      const size_t root = *std::min_element(
          part.begin(), part.end(), [this](size_t a, size_t b) { return at(a).bridge_id() < at(b).bridge_id(); });
      const auto costs = cheapest(root);
      for (const size_t i : part) {
        if (at(i).root_priority().root != at(root).bridge_id()) return false;
        if (at(i).root_priority().root_path_cost != costs[i]) return false;
      }
    }
    return true;
  }

  size_t active_links() {
    return static_cast<size_t>(
        std::count_if(links_.begin(), links_.end(), [this](const Link& l) { return is_active(l); }));
  }

  size_t flushes = 0;
  size_t frames_sent = 0;

 private:
  struct Node final : RstpHost {
    Node(RstpNetwork& owner, size_t number, const RstpOptions& options)
        : network(owner), index(number), rstp(*this, options, Time(std::chrono::milliseconds(37 * number))) {}
    void set_port_state(uint32_t, PortState) override { network.check(); }
    void flush(uint32_t) override { ++network.flushes; }
    void send_bpdu(uint32_t port, Bytes frame) override { network.send({index, port}, frame); }

    RstpNetwork& network;
    size_t index;
    std::vector<size_t> links;
    Rstp rstp;
  };
  struct Frame {
    Time arrival;
    size_t order;
    End to;
    const Link* link;
    size_t cuts;
    std::vector<std::byte> bytes;
    bool operator<(const Frame& other) const {
      return std::pair(arrival, order) > std::pair(other.arrival, other.order);
    }
  };

  uint32_t next_port(size_t bridge) const { return static_cast<uint32_t>(nodes_[bridge]->rstp.ports().size()); }

  void send(const End& from, Bytes bytes) {
    ++frames_sent;
    for (size_t index = 0; index < links_.size(); ++index) {
      Link& link = links_[index];
      const bool is_a = link.a.bridge == from.bridge && link.a.port == from.port;
      const bool is_b = link.b.bridge == from.bridge && link.b.port == from.port;
      if (!(is_a || is_b) || !link.is_up || link.loses) continue;
      // A cable keeps the order of its frames.
      Time& last = is_a ? last_from_a_[index] : last_from_b_[index];
      last = std::max(last, now_ + std::chrono::microseconds(50 + random_() % 5000));
      frames_.push({last, order_++, is_a ? link.b : link.a, &link, link.cuts, {bytes.begin(), bytes.end()}});
    }
  }
  void step() {
    for (auto& node : nodes_) {
      if (node->rstp.deadline() <= now_) node->rstp.run(now_);
    }
    while (!frames_.empty() && frames_.top().arrival <= now_) {
      const Frame frame = frames_.top();
      frames_.pop();
      if (frame.link->cuts == frame.cuts) at(frame.to.bridge).receive(frame.to.port, frame.bytes);
    }
  }

  template <class Predicate>
  std::vector<size_t> reachable(size_t start, Predicate passes) {
    std::vector<size_t> found{start};
    for (size_t i = 0; i < found.size(); ++i) {
      for (const Link& link : links_) {
        if (!passes(link)) continue;
        for (const auto& [from, to] : {std::pair(link.a, link.b), std::pair(link.b, link.a)}) {
          if (from.bridge == found[i] && std::find(found.begin(), found.end(), to.bridge) == found.end()) {
            found.push_back(to.bridge);
          }
        }
      }
    }
    return found;
  }
  std::vector<uint32_t> cheapest(size_t root) {
    std::vector<uint32_t> costs(nodes_.size(), std::numeric_limits<uint32_t>::max());
    costs[root] = 0;
    for (size_t round = 0; round < nodes_.size(); ++round) {
      for (const Link& link : links_) {
        if (!link.is_up) continue;
        for (const auto& [from, to] : {std::pair(link.a, link.b), std::pair(link.b, link.a)}) {
          const uint32_t before = costs[from.bridge];
          if (before != std::numeric_limits<uint32_t>::max()) {
            costs[to.bridge] = std::min(costs[to.bridge], before + link.cost);
          }
        }
      }
    }
    return costs;
  }

  Time now_{};
  std::minstd_rand random_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::deque<Link> links_;  // frames point into it
  std::map<size_t, Time> last_from_a_, last_from_b_;
  std::priority_queue<Frame> frames_;
  size_t order_ = 0;
  size_t loops_seen_ = 0;
};

}  // namespace strata::network::protocols
