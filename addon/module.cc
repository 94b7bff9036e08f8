// What the addon exports, and the border between JavaScript and socket.cc: argument types and
// promises. Values are validated in TypeScript (src/kernel/addon.ts).
#include <napi.h>
#include <sys/file.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "border.h"
#include "errors.h"
#include "names.h"
#include "options.h"
#include "packetBorder.h"
#include "socket.h"

namespace kube_ipvs {

// Found by Settle.
static Napi::Value ToJs(Napi::Env env, Replies replies) {
  Napi::Object result = Napi::Object::New(env);
  result.Set("isOverrun", Napi::Boolean::New(env, replies.is_overrun));
  result.Set("bytes", ToBuffer(env, std::move(replies.bytes)));
  return result;
}

namespace {

using NetlinkHandle = Handle<Socket>;

// One transaction in libuv's pool: it ends as soon as the kernel has executed it.
class TransactWorker : public Napi::AsyncWorker {
 public:
  TransactWorker(Napi::Env env, std::shared_ptr<NetlinkHandle> handle, std::vector<uint8_t> request,
                 int timeout_ms)
      : AsyncWorker(env, "NetlinkSocket.transact"),
        deferred_(Napi::Promise::Deferred::New(env)),
        handle_(std::move(handle)),
        request_(std::move(request)),
        timeout_ms_(timeout_ms) {
    handle_->is_busy = true;
  }

  Napi::Promise promise() const { return deferred_.Promise(); }

  void Execute() override {
    outcome_ = Run<Replies>([this] { return handle_->socket.Transact(request_, timeout_ms_); });
  }

  void OnOK() override {
    handle_->is_busy = false;
    Settle(Env(), deferred_, std::move(outcome_));
  }

 private:
  Napi::Promise::Deferred deferred_;
  std::shared_ptr<NetlinkHandle> handle_;
  std::vector<uint8_t> request_;
  int timeout_ms_;
  Outcome<Replies> outcome_;
};

SocketOptions ReadOptions(const Napi::CallbackInfo& info) {
  if (info.Length() < 1 || !info[0].IsObject()) {
    throw Napi::TypeError::New(info.Env(), "NetlinkSocket needs an options object");
  }
  const Napi::Object from = info[0].As<Napi::Object>();
  SocketOptions options;
  options.protocol = IntOr(from, "protocol", -1);
  options.groups = static_cast<uint32_t>(IntOr(from, "groups", 0));
  options.receive_buffer_bytes = IntOr(from, "receiveBufferBytes", 0);
  options.network_namespace = NetworkNamespacePath(from);
  options.strict_check = from.Get("strictCheck").ToBoolean().Value();
  return options;
}

class NetlinkSocket : public Napi::ObjectWrap<NetlinkSocket> {
 public:
  static Napi::Function Define(Napi::Env env) {
    return DefineClass(
        env, "NetlinkSocket",
        {InstanceMethod<&NetlinkSocket::Transact>("transact"),
         InstanceMethod<&NetlinkSocket::Receive>("receive"),
         InstanceMethod<&NetlinkSocket::JoinGroup>("joinGroup"),
         InstanceMethod<&NetlinkSocket::Close>("close"),
         InstanceAccessor<&NetlinkSocket::PortId>("portId"),
         InstanceAccessor<&NetlinkSocket::ReceiveBufferBytes>("receiveBufferBytes")});
  }

  explicit NetlinkSocket(const Napi::CallbackInfo& info) : ObjectWrap(info) {
    const SocketOptions options = ReadOptions(info);
    Guarded(info.Env(), [&] { handle_ = std::make_shared<NetlinkHandle>(options); });
  }

 private:
  Napi::Value Transact(const Napi::CallbackInfo& info) {
    if (info.Length() < 1 || !IsUint8Array(info[0])) {
      throw Napi::TypeError::New(info.Env(), "transact needs a Uint8Array");
    }
    const int timeout_ms = TimeoutMs(info, 1);
    const std::shared_ptr<NetlinkHandle> handle = IdleOf(info.Env(), handle_, "transact");
    // Copied: the caller may write to its buffer while the worker runs.
    const auto request = info[0].As<Napi::Uint8Array>();
    std::vector<uint8_t> bytes(request.Data(), request.Data() + request.ByteLength());
    auto* worker = new TransactWorker(info.Env(), handle, std::move(bytes), timeout_ms);
    const Napi::Promise promise = worker->promise();
    worker->Queue();  // deletes itself
    return promise;
  }

  Napi::Value Receive(const Napi::CallbackInfo& info) {
    const int timeout_ms = TimeoutMs(info, 0);
    return Listener<Socket>::Start(info.Env(), IdleOf(info.Env(), handle_, "receive"), timeout_ms);
  }

  void JoinGroup(const Napi::CallbackInfo& info) {
    if (info.Length() < 1 || !info[0].IsNumber()) {
      throw Napi::TypeError::New(info.Env(), "joinGroup needs a group number");
    }
    const uint32_t group = info[0].As<Napi::Number>().Uint32Value();
    Socket& socket = OpenOf(info.Env(), handle_, "joinGroup").socket;
    Guarded(info.Env(), [&] { socket.JoinGroup(group); });
  }

  void Close(const Napi::CallbackInfo&) { CloseHandle(&handle_); }

  Napi::Value PortId(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), OpenOf(info.Env(), handle_, "portId").socket.port_id());
  }

  Napi::Value ReceiveBufferBytes(const Napi::CallbackInfo& info) {
    const Socket& socket = OpenOf(info.Env(), handle_, "receiveBufferBytes").socket;
    return Napi::Number::New(info.Env(), socket.receive_buffer_bytes());
  }

  std::shared_ptr<NetlinkHandle> handle_;
};

std::string Text(const Napi::CallbackInfo& info, size_t index) {
  if (info.Length() <= index || !info[index].IsString()) {
    throw Napi::TypeError::New(info.Env(), "a name must be a string");
  }
  return info[index].As<Napi::String>().Utf8Value();
}

Napi::Value LookUpHost(const Napi::CallbackInfo& info) {
  const auto found = HostAddress(Text(info, 0));
  if (!found) return info.Env().Undefined();
  return Napi::String::New(info.Env(), *found);
}

Napi::Value LookUpPort(const Napi::CallbackInfo& info) {
  const auto found = ServicePort(Text(info, 0), Text(info, 1));
  if (!found) return info.Env().Undefined();
  return Napi::Number::New(info.Env(), *found);
}

Napi::Value LookUpService(const Napi::CallbackInfo& info) {
  if (info.Length() < 1 || !info[0].IsNumber()) {
    throw Napi::TypeError::New(info.Env(), "a port must be a number");
  }
  const auto port = static_cast<uint16_t>(info[0].As<Napi::Number>().Uint32Value());
  const auto found = ServiceName(port, Text(info, 1));
  if (!found) return info.Env().Undefined();
  return Napi::String::New(info.Env(), *found);
}

// An advisory lock of the whole file, which belongs to the open file description: the kernel lets
// go of it when the last descriptor is closed, however the process ends.
Napi::Value TryLock(const Napi::CallbackInfo& info) {
  if (info.Length() < 1 || !info[0].IsNumber()) {
    throw Napi::TypeError::New(info.Env(), "a descriptor must be a number");
  }
  if (flock(info[0].As<Napi::Number>().Int32Value(), LOCK_EX | LOCK_NB) == 0) {
    return Napi::Boolean::New(info.Env(), true);
  }
  if (errno != EWOULDBLOCK) throw CallError(errno, "flock").ToJs(info.Env());
  return Napi::Boolean::New(info.Env(), false);
}

// On the calling thread: the kernel answers at once.
Napi::Value ReadSocketOption(const Napi::CallbackInfo& info) {
  if (info.Length() < 3 || !info[0].IsObject() || !IsUint8Array(info[1]) || !info[2].IsNumber()) {
    throw Napi::TypeError::New(info.Env(), "readOption needs an object, a Uint8Array and a size");
  }
  const Napi::Object from = info[0].As<Napi::Object>();
  const SocketOption option{IntOr(from, "domain", -1), IntOr(from, "level", -1),
                            IntOr(from, "name", -1)};
  const auto request = info[1].As<Napi::Uint8Array>();
  const std::span<const uint8_t> bytes(request.Data(), request.ByteLength());
  const auto size = info[2].As<Napi::Number>().Uint32Value();
  return ToBuffer(info.Env(),
                  Guarded(info.Env(), [&] { return ReadOption(option, bytes, size); }));
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  exports.Set("NetlinkSocket", NetlinkSocket::Define(env));
  exports.Set("PacketSocket", DefinePacketSocket(env));
  exports.Set("hostAddress", Napi::Function::New(env, LookUpHost));
  exports.Set("servicePort", Napi::Function::New(env, LookUpPort));
  exports.Set("serviceName", Napi::Function::New(env, LookUpService));
  exports.Set("tryLock", Napi::Function::New(env, TryLock));
  exports.Set("readOption", Napi::Function::New(env, ReadSocketOption));
  return exports;
}

}  // namespace
}  // namespace kube_ipvs

static Napi::Object InitModule(Napi::Env env, Napi::Object exports) {
  return kube_ipvs::Init(env, exports);
}

NODE_API_MODULE(kube_ipvs, InitModule)
