// Values that cross the border: see border.h.
#include "border.h"

namespace kube_ipvs {

bool IsTerminating(Napi::Env env) {
  napi_value global;
  bool is_there;
  if (napi_get_global(env, &global) != napi_ok) return true;
  // Of the calls that may run JavaScript, all of which are refused, the cheapest.
  const napi_status status = napi_has_own_property(env, global, global, &is_there);
  return status == napi_pending_exception && !env.IsExceptionPending();
}

Napi::Value ToBuffer(Napi::Env env, std::vector<uint8_t> bytes) {
  if (bytes.empty()) return Napi::Buffer<uint8_t>::New(env, 0);
  auto* held = new std::vector<uint8_t>(std::move(bytes));
  return Napi::Buffer<uint8_t>::NewOrCopy(
      env, held->data(), held->size(),
      [](Napi::Env, uint8_t*, std::vector<uint8_t>* owned) { delete owned; }, held);
}

int IntOr(const Napi::Object& options, const char* name, int fallback) {
  const Napi::Value value = options.Get(name);
  if (value.IsUndefined()) return fallback;
  if (!value.IsNumber()) {
    throw Napi::TypeError::New(options.Env(), std::string(name) + " must be a number");
  }
  return value.As<Napi::Number>().Int32Value();
}

std::string NetworkNamespacePath(const Napi::Object& options) {
  const Napi::Value path = options.Get("networkNamespacePath");
  if (path.IsUndefined()) return {};
  if (!path.IsString()) {
    throw Napi::TypeError::New(options.Env(), "networkNamespacePath must be a string");
  }
  return path.As<Napi::String>().Utf8Value();
}

int TimeoutMs(const Napi::CallbackInfo& info, size_t index) {
  if (info.Length() <= index || !info[index].IsNumber()) {
    throw Napi::TypeError::New(info.Env(), "timeoutMs must be a number (-1: no limit)");
  }
  return info[index].As<Napi::Number>().Int32Value();
}

bool IsUint8Array(const Napi::Value& value) {
  return value.IsTypedArray() &&
         value.As<Napi::TypedArray>().TypedArrayType() == napi_uint8_array;
}

}  // namespace kube_ipvs
