// The border between JavaScript and packets.cc: argument types and promises. Receiving has a thread
// of its own; everything else is done at once, on the calling thread: none of it waits, and an
// answer that went through libuv's pool would stand behind whatever else is in there.
#include "packetBorder.h"

#include <cstring>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "border.h"
#include "packets.h"

namespace kube_ipvs {

// Found by Settle.
static Napi::Value ToJs(Napi::Env env, Frames frames) {
  Napi::Object result = Napi::Object::New(env);
  Napi::Uint32Array lengths = Napi::Uint32Array::New(env, frames.lengths.size());
  std::memcpy(lengths.Data(), frames.lengths.data(), frames.lengths.size() * sizeof(uint32_t));
  result.Set("bytes", ToBuffer(env, std::move(frames.bytes)));
  result.Set("lengths", lengths);
  result.Set("dropped", Napi::Number::New(env, frames.dropped));
  return result;
}

namespace {

std::span<const uint8_t> BytesOf(const Napi::Value& value) {
  const auto array = value.As<Napi::Uint8Array>();
  return {array.Data(), array.ByteLength()};
}

PacketOptions ReadOptions(const Napi::CallbackInfo& info) {
  if (info.Length() < 1 || !info[0].IsObject()) {
    throw Napi::TypeError::New(info.Env(), "PacketSocket needs an options object");
  }
  const Napi::Object from = info[0].As<Napi::Object>();
  PacketOptions options;
  options.interface_index = IntOr(from, "ifindex", 0);
  options.ether_type = static_cast<uint16_t>(IntOr(from, "etherType", 0));
  options.network_namespace = NetworkNamespacePath(from);
  const Napi::Value filter = from.Get("filter");
  if (IsUint8Array(filter)) {
    const std::span<const uint8_t> bytes = BytesOf(filter);
    options.filter.assign(bytes.begin(), bytes.end());
  } else if (!filter.IsUndefined()) {
    throw Napi::TypeError::New(info.Env(), "filter must be a Uint8Array");
  }
  return options;
}

class PacketSocketObject : public Napi::ObjectWrap<PacketSocketObject> {
 public:
  static Napi::Function Define(Napi::Env env) {
    return DefineClass(
        env, "PacketSocket",
        {InstanceMethod<&PacketSocketObject::Receive>("receive"),
         InstanceMethod<&PacketSocketObject::Send>("send"),
         InstanceMethod<&PacketSocketObject::JoinMulticast>("joinMulticast"),
         InstanceMethod<&PacketSocketObject::Drain>("drain"),
         InstanceMethod<&PacketSocketObject::Close>("close")});
  }

  explicit PacketSocketObject(const Napi::CallbackInfo& info) : ObjectWrap(info) {
    const PacketOptions options = ReadOptions(info);
    Guarded(info.Env(), [&] { handle_ = std::make_shared<Handle<PacketSocket>>(options); });
  }

 private:
  Napi::Value Receive(const Napi::CallbackInfo& info) {
    const int timeout_ms = TimeoutMs(info, 0);
    return Listener<PacketSocket>::Start(info.Env(), IdleOf(info.Env(), handle_, "receive"),
                                         timeout_ms);
  }

  // The frames are not copied: the kernel has them when this returns.
  Napi::Value Send(const Napi::CallbackInfo& info) {
    if (info.Length() < 1 || !info[0].IsArray()) {
      throw Napi::TypeError::New(info.Env(), "send needs an array of Uint8Array");
    }
    const auto array = info[0].As<Napi::Array>();
    std::vector<std::span<const uint8_t>> frames(array.Length());
    for (uint32_t i = 0; i < frames.size(); i++) {
      const Napi::Value frame = array[i];
      if (!IsUint8Array(frame)) {
        throw Napi::TypeError::New(info.Env(), "send needs an array of Uint8Array");
      }
      frames[i] = BytesOf(frame);
    }
    PacketSocket& socket = OpenOf(info.Env(), handle_, "send").socket;
    const size_t sent = Guarded(info.Env(), [&] { return socket.Send(frames); });
    return Napi::Number::New(info.Env(), static_cast<double>(sent));
  }

  void JoinMulticast(const Napi::CallbackInfo& info) {
    if (info.Length() < 1 || !IsUint8Array(info[0])) {
      throw Napi::TypeError::New(info.Env(), "joinMulticast needs a Uint8Array");
    }
    PacketSocket& socket = OpenOf(info.Env(), handle_, "joinMulticast").socket;
    Guarded(info.Env(), [&] { socket.JoinMulticast(BytesOf(info[0])); });
  }

  Napi::Value Drain(const Napi::CallbackInfo& info) {
    PacketSocket& socket = OpenOf(info.Env(), handle_, "drain").socket;
    const size_t count = Guarded(info.Env(), [&] { return socket.Drain(); });
    return Napi::Number::New(info.Env(), static_cast<double>(count));
  }

  void Close(const Napi::CallbackInfo&) { CloseHandle(&handle_); }

  std::shared_ptr<Handle<PacketSocket>> handle_;
};

}  // namespace

Napi::Function DefinePacketSocket(Napi::Env env) { return PacketSocketObject::Define(env); }

}  // namespace kube_ipvs
