// Descriptors, namespaces, options and waits: see descriptors.h.
#include "descriptors.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <exception>
#include <system_error>
#include <thread>
#include <utility>

#include "errors.h"

namespace kube_ipvs {

void Fail(const char* call) { throw CallError(errno, call); }

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) close(fd_);
    fd_ = other.release();
  }
  return *this;
}

Descriptor::~Descriptor() {
  if (fd_ >= 0) close(fd_);
}

int Descriptor::release() { return std::exchange(fd_, -1); }

// A socket belongs for ever to the namespace it was made in, and setns acts on one thread: so a
// thread of its own goes there, makes the socket and ends. The calling thread never moves.
Descriptor OpenIn(const std::string& network_namespace,
                  const std::function<Descriptor()>& open_socket) {
  if (network_namespace.empty()) return open_socket();
  Descriptor fd;
  std::exception_ptr failure;
  try {
    std::thread visitor([&] {
      try {
        Descriptor ns(open(network_namespace.c_str(), O_RDONLY | O_CLOEXEC));
        if (ns.get() < 0) throw CallError(errno, "open", network_namespace);
        if (setns(ns.get(), CLONE_NEWNET) != 0) throw CallError(errno, "setns", network_namespace);
        fd = open_socket();
      } catch (...) {
        failure = std::current_exception();
      }
    });
    visitor.join();
  } catch (const std::system_error& error) {
    throw CallError(error.code().value(), "pthread_create");
  }
  if (failure) std::rethrow_exception(failure);
  return fd;
}

void SetOption(int fd, int level, int option, int value, const char* name) {
  if (setsockopt(fd, level, option, &value, sizeof value) != 0) {
    throw CallError(errno, "setsockopt", name);
  }
}

// SO_RCVBUFFORCE needs CAP_NET_ADMIN; a reader without it still gets what net.core.rmem_max allows.
void GrowReceiveBuffer(int fd, int bytes) {
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) == 0) return;
  SetOption(fd, SOL_SOCKET, SO_RCVBUF, bytes, "SO_RCVBUF");
}

int Deadline::RemainingMs() {
  if (timeout_ms_ < 0) return -1;
  const auto now = Clock::now();
  if (!at_) at_ = now + std::chrono::milliseconds(timeout_ms_);
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*at_ - now).count();
  return static_cast<int>(std::max<int64_t>(0, left));
}

Waiting::Waiting() : cancel_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (cancel_fd_.get() < 0) Fail("eventfd");
}

void Waiting::Until(int fd, Deadline* deadline, const char* timed_out) const {
  for (;;) {
    pollfd fds[] = {{fd, POLLIN, 0}, {cancel_fd_.get(), POLLIN, 0}};
    const int ready = poll(fds, 2, deadline->RemainingMs());
    if (ready < 0) {
      if (errno == EINTR) continue;
      Fail("poll");
    }
    if (ready == 0) throw CallError(ETIMEDOUT, "poll", timed_out);
    if (fds[1].revents != 0) throw CallError(ECANCELED, "poll", "the socket was closed");
    return;
  }
}

void Waiting::Cancel() const noexcept {
  const uint64_t one = 1;
  // The only failure of an eventfd's write is a full counter, and then it is readable already.
  [[maybe_unused]] const ssize_t written = write(cancel_fd_.get(), &one, sizeof one);
}

}  // namespace kube_ipvs
