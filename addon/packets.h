// One packet socket (AF_PACKET, SOCK_RAW) on one interface: frames in and out as bytes. Decided
// here: which frames are of this interface and for this node, what a full queue is. Not known here:
// what any frame means, and JavaScript (packetBorder.cc is the border).
#ifndef KUBE_IPVS_ADDON_PACKETS_H_
#define KUBE_IPVS_ADDON_PACKETS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "descriptors.h"

namespace kube_ipvs {

struct PacketOptions {
  int interface_index = 0;
  uint16_t ether_type = 0;        // host order
  std::vector<uint8_t> filter;    // sock_filter[]; empty: everything of that type
  std::string network_namespace;  // path such as /run/netns/node1; empty: this process's own
};

// Frames back to back, each as long as its number says.
struct Frames {
  std::vector<uint8_t> bytes;
  std::vector<uint32_t> lengths;
  uint32_t dropped = 0;  // by the kernel since the last time, for want of room
};

// Receive runs on any thread, one at a time; everything else may be called from another thread
// meanwhile. The caller keeps that order (packetBorder.cc does by its busy flag).
class PacketSocket {
 public:
  // Throws CallError.
  explicit PacketSocket(const PacketOptions& options);

  // Up to 64 frames that have been queued; waits for the first one. Throws CallError ETIMEDOUT or
  // ECANCELED; ENETDOWN once, when the interface has gone down.
  Frames Receive(int timeout_ms);

  // Without waiting. Returns how many of them went, from the first on: fewer where the queue of the
  // device is full. Throws CallError where the first one is refused.
  size_t Send(std::span<const std::span<const uint8_t>> frames);

  // Also takes frames to this group, 6 bytes: the device lets them pass.
  void JoinMulticast(std::span<const uint8_t> mac);

  // Throws away what is queued and returns how many frames that were.
  size_t Drain();

  // Ends the wait of a running Receive with ECANCELED, and every later one.
  void Cancel() noexcept { waiting_.Cancel(); }

 private:
  void Take(Frames* frames);
  uint32_t DroppedSince();

  int interface_index_;
  Descriptor fd_;
  Waiting waiting_;
  std::unique_ptr<uint8_t[]> slots_;
};

}  // namespace kube_ipvs

#endif  // KUBE_IPVS_ADDON_PACKETS_H_
