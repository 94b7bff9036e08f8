// One netlink socket as bytes and descriptors. Decided here: how a socket is opened, when a
// transaction is over, what a lost reply looks like. Not known here: what any message means, and
// JavaScript (module.cc is the border).
#ifndef KUBE_IPVS_ADDON_SOCKET_H_
#define KUBE_IPVS_ADDON_SOCKET_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "descriptors.h"

namespace kube_ipvs {

struct SocketOptions {
  int protocol = 0;               // NETLINK_*
  uint32_t groups = 0;            // bind mask, groups 1..32; others by JoinGroup
  int receive_buffer_bytes = 0;   // 0: the system's default; the kernel doubles the value
  bool strict_check = false;      // NETLINK_GET_STRICT_CHK, if known: filters in dump headers
  std::string network_namespace;  // path such as /run/netns/node1; empty: this process's own
};

// Datagrams back to back, each a whole number of netlink messages.
struct Replies {
  std::vector<uint8_t> bytes;
  bool is_overrun =
      false;  // the kernel dropped replies (ENOBUFS): what is missing here is unknown, not absent
};

// Transact and Receive run on any thread, one at a time; Cancel may be called from another thread
// meanwhile. The caller keeps that order (module.cc does by its busy flag).
class Socket {
 public:
  // Throws CallError.
  explicit Socket(const SocketOptions& options);

  // Sends the messages of `request` and collects everything the kernel says until the *last*
  // message is terminated, by an NLMSG_ERROR (an ACK is one) or NLMSG_DONE with its sequence
  // number. See ABI.md. Throws CallError.
  Replies Transact(std::span<const uint8_t> request, int timeout_ms);

  // What has been queued; waits for the first datagram. Throws CallError ETIMEDOUT or ECANCELED.
  Replies Receive(int timeout_ms);

  void JoinGroup(uint32_t group);

  // Ends the wait of a running Transact or Receive with ECANCELED, and every later one.
  void Cancel() noexcept { waiting_.Cancel(); }

  uint32_t port_id() const { return port_id_; }
  int receive_buffer_bytes() const { return receive_buffer_bytes_; }

 private:
  enum class Drained { kNothing, kSome, kOverrun };

  void Send(std::span<const uint8_t> run);
  void CollectUntil(uint32_t sequence, Deadline* deadline, Replies* replies);
  Drained Drain(Replies* replies);
  void Wait(Deadline* deadline);

  Descriptor fd_;
  Waiting waiting_;
  uint32_t port_id_ = 0;
  int receive_buffer_bytes_ = 0;
  std::unique_ptr<uint8_t[]> slots_;
};

}  // namespace kube_ipvs

#endif  // KUBE_IPVS_ADDON_SOCKET_H_
