// The JavaScript class PacketSocket. Values are validated in TypeScript
// (src/kernel/packetSocket.ts).
#ifndef KUBE_IPVS_ADDON_PACKETBORDER_H_
#define KUBE_IPVS_ADDON_PACKETBORDER_H_

#include <napi.h>

namespace kube_ipvs {

Napi::Function DefinePacketSocket(Napi::Env env);

}  // namespace kube_ipvs

#endif  // KUBE_IPVS_ADDON_PACKETBORDER_H_
