// Wrappers of the C library's lookups. The variants with a buffer of the caller's, since the addon
// may be loaded in several threads.
#include "names.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <vector>

namespace kube_ipvs {
namespace {

constexpr size_t kFirstBuffer = 1024;
// A name with more aliases than fit here has none.
constexpr size_t kLargestBuffer = 1024 * 1024;

// Calls `look` with a larger buffer as long as it says ERANGE. Null: no such entry.
template <typename Entry, typename Look>
Entry* Grow(std::vector<char>& buffer, Look look) {
  for (size_t size = kFirstBuffer; size <= kLargestBuffer; size *= 2) {
    buffer.resize(size);
    Entry* found = nullptr;
    const int error = look(buffer.data(), buffer.size(), &found);
    if (error == 0) return found;
    if (error != ERANGE) return nullptr;
  }
  return nullptr;
}

}  // namespace

std::optional<std::string> HostAddress(const std::string& name) {
  std::vector<char> buffer;
  hostent entry{};
  const hostent* host = Grow<hostent>(buffer, [&](char* bytes, size_t size, hostent** found) {
    int reason = 0;
    return gethostbyname_r(name.c_str(), &entry, bytes, size, found, &reason);
  });
  if (host == nullptr || host->h_addrtype != AF_INET || host->h_length != sizeof(in_addr) ||
      host->h_addr_list[0] == nullptr) {
    return std::nullopt;
  }
  char text[INET_ADDRSTRLEN];
  if (inet_ntop(AF_INET, host->h_addr_list[0], text, sizeof(text)) == nullptr) return std::nullopt;
  return text;
}

std::optional<uint16_t> ServicePort(const std::string& name, const std::string& protocol) {
  std::vector<char> buffer;
  servent entry{};
  const servent* service = Grow<servent>(buffer, [&](char* bytes, size_t size, servent** found) {
    return getservbyname_r(name.c_str(), protocol.c_str(), &entry, bytes, size, found);
  });
  if (service == nullptr) return std::nullopt;
  return ntohs(static_cast<uint16_t>(service->s_port));
}

std::optional<std::string> ServiceName(uint16_t port, const std::string& protocol) {
  std::vector<char> buffer;
  servent entry{};
  const servent* service = Grow<servent>(buffer, [&](char* bytes, size_t size, servent** found) {
    return getservbyport_r(htons(port), protocol.c_str(), &entry, bytes, size, found);
  });
  if (service == nullptr) return std::nullopt;
  return service->s_name;
}

}  // namespace kube_ipvs
