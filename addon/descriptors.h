// What every socket of this addon is made of: a descriptor with an owner, a namespace to be opened
// in, options, and a wait that can be ended. Decided here: how waiting ends; not known here: what
// any byte means.
#ifndef KUBE_IPVS_ADDON_DESCRIPTORS_H_
#define KUBE_IPVS_ADDON_DESCRIPTORS_H_

#include <chrono>
#include <functional>
#include <optional>
#include <string>

namespace kube_ipvs {

// Throws CallError for the call that has just failed, by errno.
[[noreturn]] void Fail(const char* call);

// Owns a descriptor.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor();

  int get() const { return fd_; }
  int release();

 private:
  int fd_ = -1;
};

// Calls `open_socket` inside a network namespace, such as /run/netns/node1; empty: here. Throws
// what it throws, and CallError where the namespace cannot be entered.
Descriptor OpenIn(const std::string& network_namespace,
                  const std::function<Descriptor()>& open_socket);

// Throws CallError with the option's name.
void SetOption(int fd, int level, int option, int value, const char* name);

void GrowReceiveBuffer(int fd, int bytes);

// Of waiting, from the first time on that there is something to wait for: the kernel has nearly
// always answered before, and on some machines reading a clock is a system call.
class Deadline {
 public:
  explicit Deadline(int timeout_ms) : timeout_ms_(timeout_ms) {}

  // As poll(2) takes it: -1 waits for ever.
  int RemainingMs();

 private:
  using Clock = std::chrono::steady_clock;
  int timeout_ms_;
  std::optional<Clock::time_point> at_;
};

// Until runs on any thread; Cancel may be called from another one meanwhile.
class Waiting {
 public:
  // Throws CallError.
  Waiting();

  // Returns when the socket is readable or has an error, which the next receiving call reports.
  // Throws CallError ETIMEDOUT with `timed_out`, or ECANCELED.
  void Until(int fd, Deadline* deadline, const char* timed_out) const;

  // Ends a running wait with ECANCELED, and every later one.
  void Cancel() const noexcept;

 private:
  Descriptor cancel_fd_;
};

}  // namespace kube_ipvs

#endif  // KUBE_IPVS_ADDON_DESCRIPTORS_H_
