// What goes wrong in a system call, as a value that can cross threads: decided here are the fields
// every error of this addon carries (errno, code, syscall); which of them is worth a retry is
// decided in TypeScript.
#ifndef KUBE_IPVS_ADDON_ERRORS_H_
#define KUBE_IPVS_ADDON_ERRORS_H_

#include <napi.h>

#include <exception>
#include <string>

namespace kube_ipvs {

// A failed call. Copyable, and free of JavaScript values: a worker thread throws or stores it, the
// main thread converts it.
class CallError : public std::exception {
 public:
  // `call` is a string literal naming the system call (or the addon's function, for a refusal of
  // its own).
  CallError(int error_number, const char* call);
  CallError(int error_number, const char* call, const std::string& detail);

  const char* what() const noexcept override { return message_.c_str(); }

  // A JavaScript Error with `errno` (positive), `code` and `syscall`. Main thread only.
  Napi::Error ToJs(Napi::Env env) const;

 private:
  int errno_;
  const char* call_;
  std::string message_;
};

// "ENOENT" for 2; "E<number>" for an error outside the table.
std::string ErrorCode(int error_number);

}  // namespace kube_ipvs

#endif  // KUBE_IPVS_ADDON_ERRORS_H_
