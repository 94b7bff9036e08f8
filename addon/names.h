// What the C library knows of names: hosts and ports as programs written in C look them up, by the
// machine's own configuration (nsswitch.conf, hosts, services, DNS). Decided here: nothing; which
// answer counts is the library's.
#ifndef KUBE_IPVS_ADDON_NAMES_H_
#define KUBE_IPVS_ADDON_NAMES_H_

#include <cstdint>
#include <optional>
#include <string>

namespace kube_ipvs {

// The first IPv4 address of a host, dotted. May wait for a name server.
std::optional<std::string> HostAddress(const std::string& name);

// The port of a service, and the other way round. `protocol`: "tcp", "udp", "sctp".
std::optional<uint16_t> ServicePort(const std::string& name, const std::string& protocol);
std::optional<std::string> ServiceName(uint16_t port, const std::string& protocol);

}  // namespace kube_ipvs

#endif  // KUBE_IPVS_ADDON_NAMES_H_
