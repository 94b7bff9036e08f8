// The border between JavaScript and socket.cc: argument types, threads, promises. Decided here: a
// socket does one thing at a time, and everything it started has ended before its environment goes
// away. Values are validated in TypeScript (src/kernel/addon.ts).
#include <napi.h>
#include <sys/file.h>

#include <cerrno>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "errors.h"
#include "names.h"
#include "socket.h"

namespace kube_ipvs {
namespace {

// What a worker brings back: replies, or the reason that there are none.
struct Outcome {
  Replies replies;
  std::optional<CallError> error;
};

template <typename Work>
Outcome Run(Work work) noexcept {
  Outcome outcome;
  try {
    outcome.replies = work();
  } catch (const CallError& error) {
    outcome.error = error;
  } catch (const std::exception&) {
    // Nothing else is thrown there but by the allocator.
    outcome.error = CallError(ENOMEM, "new");
  }
  return outcome;
}

void Settle(Napi::Env env, const Napi::Promise::Deferred& deferred, Outcome outcome) {
  if (outcome.error) {
    deferred.Reject(outcome.error->ToJs(env).Value());
    return;
  }
  auto owned = std::make_unique<std::vector<uint8_t>>(std::move(outcome.replies.bytes));
  Napi::Object result = Napi::Object::New(env);
  result.Set("isOverrun", Napi::Boolean::New(env, outcome.replies.is_overrun));
  if (owned->empty()) {
    result.Set("bytes", Napi::Buffer<uint8_t>::New(env, 0));
  } else {
    std::vector<uint8_t>* bytes = owned.release();
    result.Set("bytes",
               Napi::Buffer<uint8_t>::NewOrCopy(
                   env, bytes->data(), bytes->size(),
                   [](Napi::Env, uint8_t*, std::vector<uint8_t>* held) { delete held; }, bytes));
  }
  deferred.Resolve(result);
}

// Shared by the JavaScript object and by what runs for it; the descriptors live until the last of
// them lets go. `is_busy` is touched by the main thread alone.
struct Handle {
  explicit Handle(const SocketOptions& options) : socket(options) {}
  Socket socket;
  bool is_busy = false;
};

// One transaction in libuv's pool: it ends as soon as the kernel has executed it.
class TransactWorker : public Napi::AsyncWorker {
 public:
  TransactWorker(Napi::Env env, std::shared_ptr<Handle> handle, std::vector<uint8_t> request,
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
    outcome_ = Run([this] { return handle_->socket.Transact(request_, timeout_ms_); });
  }

  void OnOK() override {
    handle_->is_busy = false;
    Settle(Env(), deferred_, std::move(outcome_));
  }

 private:
  Napi::Promise::Deferred deferred_;
  std::shared_ptr<Handle> handle_;
  std::vector<uint8_t> request_;
  int timeout_ms_;
  Outcome outcome_;
};

// One wait for notifications, on a thread of its own: it may last for days, which a thread of
// libuv's pool must not (there are four, and process exit waits for them). Deletes itself on the
// main thread, after the thread has been joined.
class Listener {
 public:
  static Napi::Promise Start(Napi::Env env, std::shared_ptr<Handle> handle, int timeout_ms) {
    auto listener = std::unique_ptr<Listener>(new Listener(env, std::move(handle)));
    Listener* self = listener.get();
    self->done_ =
        Napi::ThreadSafeFunction::New(env, Napi::Function(), "NetlinkSocket.receive", 0, 1);
    try {
      self->thread_ = std::thread([self, timeout_ms] { self->Listen(timeout_ms); });
    } catch (const std::system_error& error) {
      self->done_.Abort();
      throw CallError(error.code().value(), "pthread_create").ToJs(env);
    }
    self->handle_->is_busy = true;
    napi_add_env_cleanup_hook(env, StopAtExit, self);
    // From here on the thread's end frees it (Finish), or the end of the environment (StopAtExit).
    return listener.release()->deferred_.Promise();
  }

 private:
  Listener(Napi::Env env, std::shared_ptr<Handle> handle)
      : deferred_(Napi::Promise::Deferred::New(env)), handle_(std::move(handle)) {}

  void Listen(int timeout_ms) {
    outcome_ = Run([&] { return handle_->socket.Receive(timeout_ms); });
    Napi::ThreadSafeFunction done = done_;
    // Refused only while the environment closes; StopAtExit frees the listener then.
    done.BlockingCall(this, [](Napi::Env env, Napi::Function, Listener* self) {
      if (env != nullptr) self->Finish(env);
    });
    done.Release();
  }

  void Finish(Napi::Env env) {
    std::unique_ptr<Listener> self(this);
    thread_.join();
    napi_remove_env_cleanup_hook(env, StopAtExit, this);
    handle_->is_busy = false;
    Settle(env, deferred_, std::move(outcome_));
  }

  static void StopAtExit(void* data) {
    std::unique_ptr<Listener> self(static_cast<Listener*>(data));
    self->handle_->socket.Cancel();
    self->thread_.join();
  }

  Napi::Promise::Deferred deferred_;
  std::shared_ptr<Handle> handle_;
  Napi::ThreadSafeFunction done_;
  std::thread thread_;
  Outcome outcome_;
};

int IntOr(const Napi::Object& options, const char* name, int fallback) {
  const Napi::Value value = options.Get(name);
  if (value.IsUndefined()) return fallback;
  if (!value.IsNumber()) {
    throw Napi::TypeError::New(options.Env(), std::string(name) + " must be a number");
  }
  return value.As<Napi::Number>().Int32Value();
}

SocketOptions ReadOptions(const Napi::CallbackInfo& info) {
  if (info.Length() < 1 || !info[0].IsObject()) {
    throw Napi::TypeError::New(info.Env(), "NetlinkSocket needs an options object");
  }
  const Napi::Object from = info[0].As<Napi::Object>();
  SocketOptions options;
  options.protocol = IntOr(from, "protocol", -1);
  options.groups = static_cast<uint32_t>(IntOr(from, "groups", 0));
  options.receive_buffer_bytes = IntOr(from, "receiveBufferBytes", 0);
  options.strict_check = from.Get("strictCheck").ToBoolean().Value();
  const Napi::Value path = from.Get("networkNamespacePath");
  if (path.IsString()) {
    options.network_namespace = path.As<Napi::String>().Utf8Value();
  } else if (!path.IsUndefined()) {
    throw Napi::TypeError::New(info.Env(), "networkNamespacePath must be a string");
  }
  return options;
}

int TimeoutMs(const Napi::CallbackInfo& info, size_t index) {
  if (info.Length() <= index || !info[index].IsNumber()) {
    throw Napi::TypeError::New(info.Env(), "timeoutMs must be a number (-1: no limit)");
  }
  return info[index].As<Napi::Number>().Int32Value();
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
    Guarded(info.Env(), [&] { handle_ = std::make_shared<Handle>(options); });
  }

 private:
  Napi::Value Transact(const Napi::CallbackInfo& info) {
    if (info.Length() < 1 || !info[0].IsTypedArray() ||
        info[0].As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
      throw Napi::TypeError::New(info.Env(), "transact needs a Uint8Array");
    }
    const int timeout_ms = TimeoutMs(info, 1);
    const std::shared_ptr<Handle> handle = Idle(info.Env(), "transact");
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
    return Listener::Start(info.Env(), Idle(info.Env(), "receive"), timeout_ms);
  }

  void JoinGroup(const Napi::CallbackInfo& info) {
    if (info.Length() < 1 || !info[0].IsNumber()) {
      throw Napi::TypeError::New(info.Env(), "joinGroup needs a group number");
    }
    const uint32_t group = info[0].As<Napi::Number>().Uint32Value();
    Guarded(info.Env(), [&] { Open(info.Env(), "joinGroup").socket.JoinGroup(group); });
  }

  // A running worker keeps its own share of the handle, so the descriptors close when it ends,
  // which Cancel brings about.
  void Close(const Napi::CallbackInfo&) {
    if (!handle_) return;
    handle_->socket.Cancel();
    handle_.reset();
  }

  Napi::Value PortId(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), Open(info.Env(), "portId").socket.port_id());
  }

  Napi::Value ReceiveBufferBytes(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(),
                             Open(info.Env(), "receiveBufferBytes").socket.receive_buffer_bytes());
  }

  Handle& Open(Napi::Env env, const char* call) {
    if (!handle_) throw CallError(EBADF, call, "the socket is closed").ToJs(env);
    return *handle_;
  }

  std::shared_ptr<Handle> Idle(Napi::Env env, const char* call) {
    if (Open(env, call).is_busy) {
      throw CallError(EBUSY, call, "one call at a time on a socket").ToJs(env);
    }
    return handle_;
  }

  template <typename Work>
  static void Guarded(Napi::Env env, Work work) {
    try {
      work();
    } catch (const CallError& error) {
      throw error.ToJs(env);
    }
  }

  std::shared_ptr<Handle> handle_;
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

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  exports.Set("NetlinkSocket", NetlinkSocket::Define(env));
  exports.Set("hostAddress", Napi::Function::New(env, LookUpHost));
  exports.Set("servicePort", Napi::Function::New(env, LookUpPort));
  exports.Set("serviceName", Napi::Function::New(env, LookUpService));
  exports.Set("tryLock", Napi::Function::New(env, TryLock));
  return exports;
}

}  // namespace
}  // namespace kube_ipvs

static Napi::Object InitModule(Napi::Env env, Napi::Object exports) {
  return kube_ipvs::Init(env, exports);
}

NODE_API_MODULE(kube_ipvs, InitModule)
