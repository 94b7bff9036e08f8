/*
 * As much traffic as goes: what a way through the kernel costs, measured at its ends. Sends nothing that need not be and
 * makes few system calls, because these cost about 70 us in the lab kernel.
 *
 *   strain serve NETNS PORT          PORT answers each TCP connection with a byte and ends it, PORT + 1 each datagram that asks,
 *                                    PORT + 2 swallows what a TCP connection sends; until stdin ends
 *   strain connect NETNS ADDRESS PORT FROM AT_ONCE MS      new connections, AT_ONCE of them open at any time, for MS
 *                                    "connections=N us=ELAPSED p50=US p99=US failed=N": until the answer is there
 *   strain stream NETNS ADDRESS PORT MS                    one connection that sends: "bytes=N us=ELAPSED"
 *   strain datagrams NETNS ADDRESS PORT FROM COUNT new|same|ask    a byte each, from COUNT source ports or from one; with ask
 *                                    each is answered before the next
 *
 * NETNS is a name under /run/netns. FROM is the first source port; each connection takes the next one, up to 64,999 and again
 * from 1,024: a port that comes again soon would meet what the kernel remembers of it.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { LOWEST_PORT = 1024, HIGHEST_PORT = 64999, MOST = 1 << 20, PATIENCE_MS = 5000 };

static void die(const char *what) {
  fprintf(stderr, "strain: %s: %s\n", what, strerror(errno));
  exit(1);
}

static int64_t now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void enter(const char *netns) {
  char path[128];
  snprintf(path, sizeof path, "/run/netns/%s", netns);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || setns(fd, CLONE_NEWNET) < 0) die(path);
  close(fd);
}

static struct sockaddr_in place(const char *address, int port) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
  if (inet_pton(AF_INET, address, &at.sin_addr) != 1) errno = EINVAL, die(address);
  return at;
}

static void watch(int poller, int fd, uint64_t what) {
  struct epoll_event event = {.events = EPOLLIN, .data.u64 = what};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) < 0) die("epoll_ctl");
}

/* ---- the server ---- */

static int listener(int type, int port) {
  int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
  struct sockaddr_in at = place("0.0.0.0", port);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (fd < 0 || bind(fd, (void *)&at, sizeof at) < 0) die("bind");
  if (type == SOCK_STREAM && listen(fd, 4096) < 0) die("listen");
  return fd;
}

static void swallow(int fd) {
  static char text[1 << 18];
  ssize_t n = recv(fd, text, sizeof text, MSG_DONTWAIT);
  if (n == 0 || (n < 0 && errno != EAGAIN)) close(fd);
}

static void answer(int fd) {
  struct sockaddr_in from;
  socklen_t size = sizeof from;
  char byte;
  while (recvfrom(fd, &byte, 1, 0, (void *)&from, &size) == 1) {
    if (byte == '?') sendto(fd, "a", 1, 0, (void *)&from, size);
  }
}

static int serve(int port) {
  int poller = epoll_create1(EPOLL_CLOEXEC);
  int answering = listener(SOCK_STREAM, port), swallowing = listener(SOCK_STREAM, port + 2);
  int asked = listener(SOCK_DGRAM, port + 1);
  watch(poller, 0, 0);
  watch(poller, asked, asked);
  watch(poller, answering, answering);
  watch(poller, swallowing, swallowing);
  printf("ready\n");
  for (;;) {
    struct epoll_event events[64];
    int n = epoll_wait(poller, events, 64, -1);
    for (int i = 0; i < n; i++) {
      int fd = events[i].data.u64, client;
      if (fd == 0) return 0;
      if (fd == answering) {
        while ((client = accept4(fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
          send(client, "a", 1, MSG_NOSIGNAL);
          close(client);
        }
      } else if (fd == asked) {
        answer(fd);
      } else if (fd == swallowing) {
        if ((client = accept4(fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) watch(poller, client, client);
      } else {
        swallow(fd);
      }
    }
  }
}

/* ---- new connections ---- */

struct attempt {
  int fd;
  int64_t begun;
};

static int next_port;

static int bound(int type, int flags) {
  int fd = socket(AF_INET, type | flags | SOCK_CLOEXEC, 0);
  if (fd < 0) die("socket");
  for (int tries = 0; tries < 1000; tries++) {
    struct sockaddr_in own = place("0.0.0.0", next_port);
    next_port = next_port == HIGHEST_PORT ? LOWEST_PORT : next_port + 1;
    if (bind(fd, (void *)&own, sizeof own) == 0) return fd;
    if (errno != EADDRINUSE) break;
  }
  die("bind");
  return -1;
}

static void begin(int poller, struct attempt *attempt, uint64_t index, const struct sockaddr_in *server) {
  /* Ended by a reset: no port is kept in TIME_WAIT. */
  struct linger at_once = {.l_onoff = 1, .l_linger = 0};
  attempt->begun = now_us();
  attempt->fd = bound(SOCK_STREAM, SOCK_NONBLOCK);
  setsockopt(attempt->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  if (connect(attempt->fd, (const void *)server, sizeof *server) < 0 && errno != EINPROGRESS) die("connect");
  watch(poller, attempt->fd, index);
}

static int by_size(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

static int connect_often(const struct sockaddr_in *server, int at_once, int64_t for_us) {
  static uint32_t took[MOST];
  long count = 0, failed = 0;
  int poller = epoll_create1(EPOLL_CLOEXEC);
  struct attempt *attempts = calloc(at_once, sizeof *attempts);
  if (!attempts || at_once < 1) die("how many at once");
  int64_t start = now_us(), now = start;
  for (int i = 0; i < at_once; i++) begin(poller, &attempts[i], i, server);
  while (now - start < for_us && count < MOST) {
    struct epoll_event events[64];
    int n = epoll_wait(poller, events, 64, PATIENCE_MS);
    if (n <= 0) die("no answer");
    for (int i = 0; i < n && count < MOST; i++) {
      struct attempt *attempt = &attempts[events[i].data.u64];
      char answer;
      bool is_answered = recv(attempt->fd, &answer, 1, 0) == 1;
      now = now_us();
      if (is_answered) took[count++] = now - attempt->begun;
      else failed++;
      close(attempt->fd);
      begin(poller, attempt, events[i].data.u64, server);
    }
  }
  if (count == 0) die("no connection was answered");
  qsort(took, count, sizeof *took, by_size);
  printf("connections=%ld us=%ld p50=%u p99=%u failed=%ld\n", count, (long)(now - start), took[count / 2],
         took[count * 99 / 100], failed);
  return 0;
}

/* ---- much in one direction ---- */

static int stream(const struct sockaddr_in *server, int64_t for_us) {
  static char block[1 << 18];
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(fd, (const void *)server, sizeof *server) < 0) die("connect");
  int64_t start = now_us(), now = start, sent = 0;
  while (now - start < for_us) {
    ssize_t n = send(fd, block, sizeof block, MSG_NOSIGNAL);
    if (n < 0) die("send");
    sent += n;
    now = now_us();
  }
  printf("bytes=%ld us=%ld\n", (long)sent, (long)(now - start));
  return 0;
}

static void ask(int fd, const struct sockaddr_in *server) {
  struct pollfd answer = {.fd = fd, .events = POLLIN};
  char byte;
  if (sendto(fd, "?", 1, 0, (const void *)server, sizeof *server) != 1) die("sendto");
  if (poll(&answer, 1, PATIENCE_MS) != 1 || recv(fd, &byte, 1, 0) != 1) die("no answer");
}

static int datagrams(const struct sockaddr_in *server, int count, const char *which) {
  bool is_new = strcmp(which, "new") == 0, is_asking = strcmp(which, "ask") == 0;
  int fd = -1;
  for (int i = 0; i < count; i++) {
    if (is_new || fd < 0) {
      if (fd >= 0) close(fd);
      fd = bound(SOCK_DGRAM, 0);
    }
    if (is_asking) ask(fd, server);
    else if (sendto(fd, "d", 1, 0, (const void *)server, sizeof *server) != 1) die("sendto");
  }
  printf("datagrams=%d\n", count);
  return 0;
}

int main(int argc, char **argv) {
  signal(SIGPIPE, SIG_IGN);
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (argc < 4) return 2;
  enter(argv[2]);
  if (strcmp(argv[1], "serve") == 0) return serve(atoi(argv[3]));
  if (argc < 6) return 2;
  struct sockaddr_in server = place(argv[3], atoi(argv[4]));
  if (strcmp(argv[1], "stream") == 0) return stream(&server, atol(argv[5]) * 1000);
  if (argc < 8) return 2;
  next_port = atoi(argv[5]);
  if (strcmp(argv[1], "connect") == 0) return connect_often(&server, atoi(argv[6]), atol(argv[7]) * 1000);
  if (strcmp(argv[1], "datagrams") == 0) return datagrams(&server, atoi(argv[6]), argv[7]);
  return 2;
}
