// System calls on a netlink socket. Every length that comes from outside is checked before it is
// used.
#include "socket.h"

#include <linux/netlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "errors.h"

namespace kube_ipvs {
namespace {

// The kernel builds dump datagrams as large as the largest buffer ever offered, at most 32 KiB:
// offered from the first call on.
constexpr size_t kSlotBytes = 32 * 1024;
// Datagrams fetched by one system call. An ACK is a datagram of its own, and so is the DONE of a
// dump.
constexpr unsigned kSlots = 16;
// A listener returns what it has after this much, so that a storm of notifications cannot keep it
// here.
constexpr size_t kReceiveLimitBytes = 4 * 1024 * 1024;
constexpr uint16_t kDumpFlags = NLM_F_ROOT | NLM_F_MATCH;

struct MessageHead {
  size_t offset;
  size_t length;  // aligned up to 4, or to the end of the buffer
  uint16_t flags;
  uint32_t sequence;
};

bool IsDump(const MessageHead& head) { return (head.flags & kDumpFlags) == kDumpFlags; }

// For what makes the kernel do better and what callers can be without: a kernel that is older than
// the option says ENOPROTOOPT.
void SetOptionIfKnown(int fd, int option, const char* name) {
  const int on = 1;
  if (setsockopt(fd, SOL_NETLINK, option, &on, sizeof on) != 0 && errno != ENOPROTOOPT) {
    throw CallError(errno, "setsockopt", name);
  }
}

Descriptor OpenNetlink(int protocol) {
  Descriptor fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
  if (fd.get() < 0) Fail("socket");
  return fd;
}

int IntOption(int fd, int option) {
  int value = 0;
  socklen_t size = sizeof value;
  if (getsockopt(fd, SOL_SOCKET, option, &value, &size) != 0) Fail("getsockopt");
  return value;
}

// True when the datagram holds a terminator of `sequence`. A malformed tail ends the walk: the
// decoder reports it.
bool HasTerminator(std::span<const uint8_t> datagram, uint32_t sequence) {
  size_t at = 0;
  while (datagram.size() - at >= sizeof(nlmsghdr)) {
    nlmsghdr head;
    std::memcpy(&head, datagram.data() + at, sizeof head);
    const size_t left = datagram.size() - at;
    if (head.nlmsg_len < sizeof head || head.nlmsg_len > left) return false;
    if (head.nlmsg_seq == sequence &&
        (head.nlmsg_type == NLMSG_ERROR || head.nlmsg_type == NLMSG_DONE)) {
      return true;
    }
    at += std::min<size_t>(NLMSG_ALIGN(static_cast<size_t>(head.nlmsg_len)), left);
  }
  return false;
}

// Headers of a request. Throws EINVAL where a length does not fit: the kernel answers such a buffer
// with silence, so it must never be sent.
std::vector<MessageHead> WalkMessages(std::span<const uint8_t> buffer) {
  std::vector<MessageHead> heads;
  size_t at = 0;
  while (at < buffer.size()) {
    const size_t left = buffer.size() - at;
    nlmsghdr head;
    if (left < sizeof head) {
      throw CallError(EINVAL, "transact", "half a header at offset " + std::to_string(at));
    }
    std::memcpy(&head, buffer.data() + at, sizeof head);
    if (head.nlmsg_len < sizeof head || head.nlmsg_len > left) {
      throw CallError(EINVAL, "transact",
                      "message at offset " + std::to_string(at) + " claims " +
                          std::to_string(head.nlmsg_len) + " of " + std::to_string(left) +
                          " bytes");
    }
    const size_t length = std::min<size_t>(NLMSG_ALIGN(static_cast<size_t>(head.nlmsg_len)), left);
    heads.push_back({at, length, head.nlmsg_flags, head.nlmsg_seq});
    at += length;
  }
  return heads;
}

}  // namespace

Socket::Socket(const SocketOptions& options)
    : fd_(OpenIn(options.network_namespace, [&] { return OpenNetlink(options.protocol); })),
      // Not zeroed: pages that no reply ever reaches stay unmapped.
      slots_(new uint8_t[kSlots * kSlotBytes]) {
  const int fd = fd_.get();
  SetOption(fd, SOL_NETLINK, NETLINK_CAP_ACK, 1, "NETLINK_CAP_ACK");
  SetOptionIfKnown(fd, NETLINK_EXT_ACK, "NETLINK_EXT_ACK");  // Linux 4.12
  if (options.strict_check) {
    SetOptionIfKnown(fd, NETLINK_GET_STRICT_CHK, "NETLINK_GET_STRICT_CHK");  // Linux 4.20
  }
  if (options.receive_buffer_bytes > 0) GrowReceiveBuffer(fd, options.receive_buffer_bytes);
  receive_buffer_bytes_ = IntOption(fd, SO_RCVBUF);

  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = options.groups;
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) Fail("bind");
  socklen_t size = sizeof address;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) Fail("getsockname");
  port_id_ = address.nl_pid;
}

Replies Socket::Transact(std::span<const uint8_t> request, int timeout_ms) {
  const std::vector<MessageHead> heads = WalkMessages(request);
  if (heads.empty()) throw CallError(EINVAL, "transact", "no message");
  Deadline deadline(timeout_ms);
  Replies replies;
  size_t run_start = 0;
  for (size_t i = 0; i < heads.size(); i++) {
    const MessageHead& head = heads[i];
    const bool is_last = i + 1 == heads.size();
    // One dump at a time on a socket (EBUSY otherwise): a dump ends the run that is sent at once.
    if (!is_last && !IsDump(head)) continue;
    if ((head.flags & NLM_F_REQUEST) == 0 || (!IsDump(head) && (head.flags & NLM_F_ACK) == 0)) {
      throw CallError(EINVAL, "transact", "the last message asks for no answer (NLM_F_ACK)");
    }
    Send(request.subspan(run_start, head.offset + head.length - run_start));
    CollectUntil(head.sequence, &deadline, &replies);
    run_start = head.offset + head.length;
  }
  return replies;
}

// The kernel executes everything inside send: when it returns, all replies but the rest of a dump
// are in the receive queue.
void Socket::Send(std::span<const uint8_t> run) {
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  ssize_t sent;
  do {
    sent = sendto(fd_.get(), run.data(), run.size(), 0, reinterpret_cast<sockaddr*>(&kernel),
                  sizeof kernel);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) Fail("sendto");
  if (static_cast<size_t>(sent) != run.size()) throw CallError(EMSGSIZE, "sendto");
}

void Socket::CollectUntil(uint32_t sequence, Deadline* deadline, Replies* replies) {
  for (;;) {
    const size_t before = replies->bytes.size();
    const Drained drained = Drain(replies);
    if (HasTerminator(std::span(replies->bytes).subspan(before), sequence)) return;
    if (drained == Drained::kOverrun) replies->is_overrun = true;
    if (drained != Drained::kNothing) continue;
    // The terminator itself may be what was lost: an empty queue after an overrun is the end, not a
    // reason to wait.
    if (replies->is_overrun) return;
    Wait(deadline);
  }
}

Replies Socket::Receive(int timeout_ms) {
  Deadline deadline(timeout_ms);
  Replies replies;
  for (;;) {
    const Drained drained = Drain(&replies);
    if (drained == Drained::kOverrun) replies.is_overrun = true;
    if (drained != Drained::kNothing && replies.bytes.size() < kReceiveLimitBytes) continue;
    if (!replies.bytes.empty() || replies.is_overrun) return replies;
    Wait(&deadline);
  }
}

// One recvmmsg without waiting. Datagrams that did not come from the kernel are dropped: any
// process may send to our port.
Socket::Drained Socket::Drain(Replies* replies) {
  mmsghdr messages[kSlots]{};
  iovec vectors[kSlots];
  sockaddr_nl senders[kSlots]{};
  for (unsigned i = 0; i < kSlots; i++) {
    vectors[i] = {slots_.get() + i * kSlotBytes, kSlotBytes};
    messages[i].msg_hdr.msg_name = &senders[i];
    messages[i].msg_hdr.msg_namelen = sizeof senders[i];
    messages[i].msg_hdr.msg_iov = &vectors[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  int count;
  do {
    count = recvmmsg(fd_.get(), messages, kSlots, MSG_DONTWAIT, nullptr);
  } while (count < 0 && errno == EINTR);
  if (count < 0) {
    if (errno == EAGAIN || errno == EWOULDBLOCK) return Drained::kNothing;
    if (errno == ENOBUFS) return Drained::kOverrun;
    Fail("recvmmsg");
  }
  for (int i = 0; i < count; i++) {
    const msghdr& header = messages[i].msg_hdr;
    if (header.msg_namelen < sizeof(sockaddr_nl) || senders[i].nl_pid != 0) continue;
    if ((header.msg_flags & MSG_TRUNC) != 0) {
      throw CallError(EMSGSIZE, "recvmmsg", "a reply larger than 32 KiB was cut");
    }
    const uint8_t* start = slots_.get() + static_cast<size_t>(i) * kSlotBytes;
    replies->bytes.insert(replies->bytes.end(), start, start + messages[i].msg_len);
    // So that the next datagram's first message is aligned within the buffer, too.
    replies->bytes.resize(NLMSG_ALIGN(replies->bytes.size()));
  }
  return Drained::kSome;
}

void Socket::Wait(Deadline* deadline) {
  waiting_.Until(fd_.get(), deadline, "the kernel has not answered");
}

void Socket::JoinGroup(uint32_t group) {
  SetOption(fd_.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, static_cast<int>(group),
            "NETLINK_ADD_MEMBERSHIP");
}

}  // namespace kube_ipvs
