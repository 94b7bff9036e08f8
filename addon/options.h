// What a socket of another kind says when it is asked for one of its options: the old way to ask a
// subsystem of the kernel that has no netlink. What is asked and answered is not known here.
#ifndef KUBE_IPVS_ADDON_OPTIONS_H_
#define KUBE_IPVS_ADDON_OPTIONS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace kube_ipvs {

struct SocketOption {
  int domain = 0;
  int level = 0;
  int name = 0;
};

// Asks a raw socket that is opened for it, in this namespace. `request` is what the answer's room
// of `size` bytes begins with. Throws CallError.
std::vector<uint8_t> ReadOption(const SocketOption& option, std::span<const uint8_t> request,
                                size_t size);

}  // namespace kube_ipvs

#endif  // KUBE_IPVS_ADDON_OPTIONS_H_
