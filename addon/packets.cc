// System calls on a packet socket. What comes from the wire is only copied; every length that comes
// from outside is checked before it is used.
#include "packets.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "errors.h"

namespace kube_ipvs {
namespace {

// Frames fetched by one system call, and how much of each: a filter keeps far less.
constexpr unsigned kSlots = 64;
constexpr size_t kSlotBytes = 2048;
constexpr int kReceiveBufferBytes = 1024 * 1024;
constexpr size_t kMacBytes = 6;
// More frames than the receive buffer can hold: so a storm cannot keep Drain here.
constexpr size_t kDrainLimit = 16 * 1024;

Descriptor OpenPacket() {
  // Protocol 0: it gets nothing before it is bound, so nothing passes by the filter.
  Descriptor fd(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
  if (fd.get() < 0) Fail("socket");
  return fd;
}

void AttachFilter(int fd, std::span<const uint8_t> bytes) {
  if (bytes.empty()) return;
  const size_t count = bytes.size() / sizeof(sock_filter);
  if (bytes.size() % sizeof(sock_filter) != 0 || count > BPF_MAXINSNS) {
    throw CallError(EINVAL, "setsockopt", "SO_ATTACH_FILTER takes whole instructions, 1 to 4096");
  }
  std::vector<sock_filter> program(count);
  std::memcpy(program.data(), bytes.data(), bytes.size());
  const sock_fprog filter{static_cast<unsigned short>(count), program.data()};
  if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) != 0) {
    throw CallError(errno, "setsockopt", "SO_ATTACH_FILTER");
  }
}

// Spares the copies of what this node sends; a kernel before 4.20 makes them, and Take leaves them
// out.
void IgnoreOutgoing(int fd) {
  const int on = 1;
  if (setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) != 0 &&
      errno != ENOPROTOOPT) {
    throw CallError(errno, "setsockopt", "PACKET_IGNORE_OUTGOING");
  }
}

// Neither sent by this node (OUTGOING, LOOPBACK) nor for another one (OTHERHOST).
bool IsForThisNode(unsigned char type) {
  return type == PACKET_HOST || type == PACKET_BROADCAST || type == PACKET_MULTICAST;
}

}  // namespace

PacketSocket::PacketSocket(const PacketOptions& options)
    : interface_index_(options.interface_index),
      fd_(OpenIn(options.network_namespace, OpenPacket)),
      slots_(new uint8_t[kSlots * kSlotBytes]) {
  const int fd = fd_.get();
  AttachFilter(fd, options.filter);
  GrowReceiveBuffer(fd, kReceiveBufferBytes);
  IgnoreOutgoing(fd);
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(options.ether_type);
  address.sll_ifindex = options.interface_index;
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) Fail("bind");
}

Frames PacketSocket::Receive(int timeout_ms) {
  Deadline deadline(timeout_ms);
  Frames frames;
  for (;;) {
    Take(&frames);
    if (!frames.lengths.empty()) {
      frames.dropped = DroppedSince();
      return frames;
    }
    waiting_.Until(fd_.get(), &deadline, "no frame has come");
  }
}

// One recvmmsg without waiting.
void PacketSocket::Take(Frames* frames) {
  mmsghdr messages[kSlots]{};
  iovec vectors[kSlots];
  sockaddr_ll senders[kSlots]{};
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
    if (errno == EAGAIN || errno == EWOULDBLOCK) return;
    Fail("recvmmsg");
  }
  for (int i = 0; i < count; i++) {
    // A socket on a parent also gets its VLANs' frames, marked with the VLAN's device.
    const bool is_of_interface = senders[i].sll_ifindex == interface_index_;
    if (!is_of_interface || !IsForThisNode(senders[i].sll_pkttype)) continue;
    const uint8_t* start = slots_.get() + static_cast<size_t>(i) * kSlotBytes;
    const size_t length = std::min<size_t>(messages[i].msg_len, kSlotBytes);
    frames->bytes.insert(frames->bytes.end(), start, start + length);
    frames->lengths.push_back(static_cast<uint32_t>(length));
  }
}

// Reading the counters sets them to zero.
uint32_t PacketSocket::DroppedSince() {
  tpacket_stats counters{};
  socklen_t size = sizeof counters;
  if (getsockopt(fd_.get(), SOL_PACKET, PACKET_STATISTICS, &counters, &size) != 0) {
    throw CallError(errno, "getsockopt", "PACKET_STATISTICS");
  }
  return counters.tp_drops;
}

size_t PacketSocket::Send(std::span<const std::span<const uint8_t>> frames) {
  std::vector<iovec> vectors(frames.size());
  std::vector<mmsghdr> messages(frames.size());
  for (size_t i = 0; i < frames.size(); i++) {
    // Sending only reads.
    vectors[i] = {const_cast<uint8_t*>(frames[i].data()), frames[i].size()};
    messages[i] = {};
    messages[i].msg_hdr.msg_iov = &vectors[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  size_t sent = 0;
  while (sent < frames.size()) {
    const auto left = static_cast<unsigned>(frames.size() - sent);
    const int count = sendmmsg(fd_.get(), &messages[sent], left, MSG_DONTWAIT);
    if (count >= 0) {
      sent += static_cast<size_t>(count);
      continue;
    }
    if (errno == EINTR) continue;
    // Some went: what is wrong with the next one is told when it is sent again.
    if (sent > 0 || errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) return sent;
    Fail("sendmmsg");
  }
  return sent;
}

void PacketSocket::JoinMulticast(std::span<const uint8_t> mac) {
  if (mac.size() != kMacBytes) throw CallError(EINVAL, "joinMulticast", "a MAC has 6 bytes");
  packet_mreq membership{};
  membership.mr_ifindex = interface_index_;
  membership.mr_type = PACKET_MR_MULTICAST;
  membership.mr_alen = kMacBytes;
  std::copy(mac.begin(), mac.end(), membership.mr_address);
  if (setsockopt(fd_.get(), SOL_PACKET, PACKET_ADD_MEMBERSHIP, &membership, sizeof membership) !=
      0) {
    throw CallError(errno, "setsockopt", "PACKET_ADD_MEMBERSHIP");
  }
}

size_t PacketSocket::Drain() {
  size_t thrown_away = 0;
  while (thrown_away < kDrainLimit) {
    if (recv(fd_.get(), nullptr, 0, MSG_DONTWAIT) >= 0) {
      thrown_away++;
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      break;
    } else if (errno != EINTR) {
      Fail("recv");
    }
  }
  return thrown_away;
}

}  // namespace kube_ipvs
