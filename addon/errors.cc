// Names of errors and their way into JavaScript.
#include "errors.h"

#include <cerrno>
#include <system_error>

namespace kube_ipvs {

CallError::CallError(int error_number, const char* call) : CallError(error_number, call, {}) {}

CallError::CallError(int error_number, const char* call, const std::string& detail)
    : errno_(error_number), call_(call) {
  // std::generic_category().message is thread-safe, strerror is not.
  message_ = std::string(call) + ": " + ErrorCode(error_number) + ", " +
             std::generic_category().message(error_number);
  if (!detail.empty()) message_ += " (" + detail + ")";
}

Napi::Error CallError::ToJs(Napi::Env env) const {
  Napi::Error error = Napi::Error::New(env, message_);
  error.Set("errno", Napi::Number::New(env, errno_));
  error.Set("code", Napi::String::New(env, ErrorCode(errno_)));
  error.Set("syscall", Napi::String::New(env, call_));
  return error;
}

// A table and not strerrorname_np, which musl does not have.
std::string ErrorCode(int error_number) {
  switch (error_number) {
#define NAME(code) \
  case code:       \
    return #code;
    NAME(EPERM)
    NAME(ENOENT)
    NAME(ESRCH)
    NAME(EINTR)
    NAME(EIO)
    NAME(ENXIO)
    NAME(EBADF)
    NAME(EAGAIN)
    NAME(ENOMEM)
    NAME(EACCES)
    NAME(EFAULT)
    NAME(EBUSY)
    NAME(EEXIST)
    NAME(ENODEV)
    NAME(ENOTDIR)
    NAME(EISDIR)
    NAME(EINVAL)
    NAME(ENFILE)
    NAME(EMFILE)
    NAME(EROFS)
    NAME(EPIPE)
    NAME(ERANGE)
    NAME(ENAMETOOLONG)
    NAME(ENOSYS)
    NAME(ELOOP)
    NAME(EPROTO)
    NAME(EOVERFLOW)
    NAME(ENOTSOCK)
    NAME(EMSGSIZE)
    NAME(ENOPROTOOPT)
    NAME(EPROTONOSUPPORT)
    NAME(ESOCKTNOSUPPORT)
    NAME(EOPNOTSUPP)
    NAME(EAFNOSUPPORT)
    NAME(EADDRINUSE)
    NAME(EADDRNOTAVAIL)
    NAME(ENETDOWN)
    NAME(ECONNREFUSED)
    NAME(ECONNRESET)
    NAME(ENOBUFS)
    NAME(ENOTCONN)
    NAME(ETIMEDOUT)
    NAME(ECANCELED)
#undef NAME
    default:
      return std::string("E").append(std::to_string(error_number));
  }
}

}  // namespace kube_ipvs
