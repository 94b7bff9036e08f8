// getsockopt with an argument: see options.h.
#include "options.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "descriptors.h"
#include "errors.h"

namespace kube_ipvs {

std::vector<uint8_t> ReadOption(const SocketOption& option, std::span<const uint8_t> request,
                                size_t size) {
  if (request.size() > size) throw CallError(EINVAL, "getsockopt", "no room for the request");
  const Descriptor socket_fd(socket(option.domain, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW));
  if (socket_fd.get() < 0) Fail("socket");
  std::vector<uint8_t> answer(size);
  std::copy(request.begin(), request.end(), answer.begin());
  auto length = static_cast<socklen_t>(size);
  if (getsockopt(socket_fd.get(), option.level, option.name, answer.data(), &length) != 0) {
    Fail("getsockopt");
  }
  answer.resize(std::min<size_t>(length, size));
  return answer;
}

}  // namespace kube_ipvs
