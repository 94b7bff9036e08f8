// What both kinds of socket need to cross into JavaScript: outcomes, a wait on a thread of its own,
// arguments. Decided here: a socket does one thing at a time, and everything it started has ended
// before its environment goes away.
#ifndef KUBE_IPVS_ADDON_BORDER_H_
#define KUBE_IPVS_ADDON_BORDER_H_

#include <napi.h>

#include <cerrno>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "errors.h"

namespace kube_ipvs {

// What a thread brings back: a result, or the reason that there is none.
template <typename Result>
struct Outcome {
  Result result;
  std::optional<CallError> error;
};

template <typename Result, typename Work>
Outcome<Result> Run(Work work) noexcept {
  Outcome<Result> outcome;
  try {
    outcome.result = work();
  } catch (const CallError& error) {
    outcome.error = error;
  } catch (const std::exception&) {
    // Nothing else is thrown there but by the allocator.
    outcome.error = CallError(ENOMEM, "new");
  }
  return outcome;
}

// Node-API then refuses with "an exception is pending", and none is.
bool IsTerminating(Napi::Env env);

// Without a copy where the engine allows it.
Napi::Value ToBuffer(Napi::Env env, std::vector<uint8_t> bytes);

// `ToJs(env, result)` is found beside the type of the result. In a worker thread that is being
// terminated nothing of JavaScript can be made or called any more, nor does anybody wait.
template <typename Result>
void Settle(Napi::Env env, const Napi::Promise::Deferred& deferred, Outcome<Result> outcome) {
  try {
    if (outcome.error) {
      deferred.Reject(outcome.error->ToJs(env).Value());
    } else {
      deferred.Resolve(ToJs(env, std::move(outcome.result)));
    }
  } catch (const Napi::Error&) {
    if (!IsTerminating(env)) throw;
  }
}

// Shared by the JavaScript object and by what runs for it; the descriptors live until the last of
// them lets go. `is_busy` is touched by the main thread alone.
template <typename Socket>
struct Handle {
  template <typename Options>
  explicit Handle(const Options& options) : socket(options) {}
  Socket socket;
  bool is_busy = false;
};

// One wait for what comes, on a thread of its own: it may last for days, which a thread of libuv's
// pool must not (there are four, and process exit waits for them). Deletes itself on the main
// thread, after the thread has been joined.
template <typename Socket>
class Listener {
 public:
  static Napi::Promise Start(Napi::Env env, std::shared_ptr<Handle<Socket>> handle,
                             int timeout_ms) {
    auto listener = std::unique_ptr<Listener>(new Listener(env, std::move(handle)));
    Listener* self = listener.get();
    self->done_ = Napi::ThreadSafeFunction::New(env, Napi::Function(), "receive", 0, 1);
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
  using Result = decltype(std::declval<Socket&>().Receive(0));

  Listener(Napi::Env env, std::shared_ptr<Handle<Socket>> handle)
      : deferred_(Napi::Promise::Deferred::New(env)), handle_(std::move(handle)) {}

  void Listen(int timeout_ms) {
    outcome_ = Run<Result>([&] { return handle_->socket.Receive(timeout_ms); });
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
  std::shared_ptr<Handle<Socket>> handle_;
  Napi::ThreadSafeFunction done_;
  std::thread thread_;
  Outcome<Result> outcome_;
};

// Throws EBADF.
template <typename Socket>
Handle<Socket>& OpenOf(Napi::Env env, const std::shared_ptr<Handle<Socket>>& handle,
                       const char* call) {
  if (!handle) throw CallError(EBADF, call, "the socket is closed").ToJs(env);
  return *handle;
}

// Throws EBADF or EBUSY.
template <typename Socket>
const std::shared_ptr<Handle<Socket>>& IdleOf(Napi::Env env,
                                              const std::shared_ptr<Handle<Socket>>& handle,
                                              const char* call) {
  if (OpenOf(env, handle, call).is_busy) {
    throw CallError(EBUSY, call, "one call at a time on a socket").ToJs(env);
  }
  return handle;
}

// A running worker keeps its own share of the handle, so the descriptors close when it ends, which
// Cancel brings about.
template <typename Socket>
void CloseHandle(std::shared_ptr<Handle<Socket>>* handle) {
  if (!*handle) return;
  (*handle)->socket.Cancel();
  handle->reset();
}

template <typename Work>
auto Guarded(Napi::Env env, Work work) {
  try {
    return work();
  } catch (const CallError& error) {
    throw error.ToJs(env);
  }
}

// Arguments; all of them throw TypeError.
int IntOr(const Napi::Object& options, const char* name, int fallback);
std::string NetworkNamespacePath(const Napi::Object& options);
int TimeoutMs(const Napi::CallbackInfo& info, size_t index);
bool IsUint8Array(const Napi::Value& value);

}  // namespace kube_ipvs

#endif  // KUBE_IPVS_ADDON_BORDER_H_
