/*
 * A steady load on many addresses at once, and what became of it: new flows at an even pace that does not wait for
 * answers, and flows that are kept open and asked again and again. One process, few system calls a flow, because these
 * cost about 70 us in the lab kernel. Its servers are those of traffic.c, which answer a TCP or SCTP client unasked.
 *
 *   load TARGETS RATE HELD [MS]    RATE new flows a second, HELD kept ones (TCP); MS until a flow counts as failed (10,000)
 *
 * TARGETS is a file with a line "NETNS PROTO ADDRESS PORT NAME" for each address to load; NETNS as `ip netns` lists it.
 * On stdout: "ready" when all kept flows are open; "failed T NAME WHAT" and "broken T NAME WHAT" with T in ms since the start
 * and WHAT an errno or "timeout"; after each line on stdin the counts so far; after the end of stdin the last answers are
 * waited for, and the counts are the last line:
 *   counts elapsed=MS started=N answered=N failed=N slow=N worst=MS least=N held=N asked=N broken=N
 * slow: answered after 900 ms or more (a packet was sent twice); least: flows started in the worst whole second.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
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

enum { FIRST_PORT = 11000, LAST_PORT = 64999, TARGETS = 4096, NAMESPACES = 16, SLOW_MS = 900, ASK_MS = 500, CHECK_MS = 100, BURST = 20 };

struct target {
  int netns, type, protocol;
  struct sockaddr_storage address;
  char name[96];
};

struct flow {
  struct flow *next;
  const struct target *target;
  int fd;
  bool kept, answered, waiting;
  int64_t started, due; /* due: until when an answer must come, or when to ask again */
};

static struct target targets[TARGETS];
static int target_count, namespaces[NAMESPACES], current = -1, poller;
static int next_port[NAMESPACES];
static char namespace_names[NAMESPACES][64];
static struct flow *flows;
static int64_t begin, patience = 10000;
static bool running = true;
static long started, answered, failed, slow, worst, least = -1, held, asked, broken, open_flows, unready;

static int64_t now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void die(const char *what) {
  fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
  exit(1);
}

/* ---- targets ---- */

static int namespace_of(const char *name) {
  int i = 0;
  while (i < NAMESPACES && namespace_names[i][0] && strcmp(namespace_names[i], name) != 0) i++;
  if (i == NAMESPACES) die("too many namespaces");
  if (!namespace_names[i][0]) {
    char path[128];
    snprintf(path, sizeof path, "/run/netns/%s", name);
    namespaces[i] = open(path, O_RDONLY | O_CLOEXEC);
    if (namespaces[i] < 0) die(path);
    snprintf(namespace_names[i], sizeof namespace_names[i], "%s", name);
    next_port[i] = FIRST_PORT;
  }
  return i;
}

static void read_targets(const char *path) {
  FILE *file = fopen(path, "r");
  if (!file) die(path);
  char netns[64], proto[16], address[64], name[96];
  int port;
  while (fscanf(file, "%63s %15s %63s %d %95s", netns, proto, address, &port, name) == 5) {
    if (target_count == TARGETS) die("too many targets");
    struct target *target = &targets[target_count++];
    struct sockaddr_in *v4 = (void *)&target->address;
    struct sockaddr_in6 *v6 = (void *)&target->address;
    target->netns = namespace_of(netns);
    target->type = strcmp(proto, "udp") == 0 ? SOCK_DGRAM : SOCK_STREAM;
    target->protocol = strcmp(proto, "sctp") == 0 ? IPPROTO_SCTP : 0;
    snprintf(target->name, sizeof target->name, "%s", name);
    if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
      v4->sin_family = AF_INET;
      v4->sin_port = htons(port);
    } else if (inet_pton(AF_INET6, address, &v6->sin6_addr) == 1) {
      v6->sin6_family = AF_INET6;
      v6->sin6_port = htons(port);
    } else {
      errno = EINVAL;
      die(address);
    }
  }
  fclose(file);
  if (target_count == 0) die("no targets");
}

/* ---- flows ---- */

static void tell(const char *what, const struct flow *flow, const char *why) {
  printf("%s %ld %s %s\n", what, (long)(now_ms() - begin), flow->target->name, why);
}

static void end_flow(struct flow *flow) {
  close(flow->fd);
  flow->fd = -1;
  open_flows--;
}

static void lose(struct flow *flow, const char *why) {
  if (flow->kept) {
    broken++;
    tell("broken", flow, why);
    if (!flow->answered && --unready == 0) printf("ready\n");
  } else {
    failed++;
    tell("failed", flow, why);
  }
  end_flow(flow);
}

static void lose_by(struct flow *flow, int number) {
  const char *name = strerrorname_np(number);
  lose(flow, name ? name : "unknown");
}

/* An SCTP client names all its addresses, and the server answers to those that are not translated on the way. */
static void own_address_towards(const struct sockaddr_storage *server, struct sockaddr_storage *own) {
  socklen_t size = sizeof *own;
  int scout = socket(server->ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (connect(scout, (const void *)server, sizeof *server) == 0) getsockname(scout, (void *)own, &size);
  close(scout);
}

/*
 * Each flow of a client has a port of its own, whatever its target: the kernel would give one port to flows to several
 * virtual addresses, and those that IPVS then sends to the same pod could not be told apart there.
 */
static bool bind_to_next_port(int fd, const struct target *target) {
  struct sockaddr_storage own = {.ss_family = target->address.ss_family};
  if (target->protocol == IPPROTO_SCTP) own_address_towards(&target->address, &own);
  int *port = &next_port[target->netns];
  for (int tries = 0; tries < 1000; tries++) {
    if (own.ss_family == AF_INET) ((struct sockaddr_in *)&own)->sin_port = htons(*port);
    else ((struct sockaddr_in6 *)&own)->sin6_port = htons(*port);
    *port = *port == LAST_PORT ? FIRST_PORT : *port + 1;
    if (bind(fd, (void *)&own, sizeof own) == 0) return true;
    if (errno != EADDRINUSE) return false;
  }
  return false;
}

static void start_flow(const struct target *target, bool kept) {
  if (current != target->netns) {
    if (setns(namespaces[target->netns], CLONE_NEWNET) < 0) die("setns");
    current = target->netns;
  }
  struct flow *flow = calloc(1, sizeof *flow);
  if (!flow) die("memory");
  flow->next = flows;
  flows = flow;
  flow->target = target;
  flow->kept = kept;
  flow->waiting = true;
  flow->started = now_ms();
  flow->due = flow->started + patience;
  flow->fd = socket(target->address.ss_family, target->type | SOCK_NONBLOCK | SOCK_CLOEXEC, target->protocol);
  open_flows++;
  if (kept) held++, unready++;
  else started++;
  if (flow->fd < 0) {
    lose_by(flow, errno);
    return;
  }
  if (!bind_to_next_port(flow->fd, target)) {
    lose_by(flow, errno);
    return;
  }
  if (connect(flow->fd, (const void *)&target->address, sizeof target->address) < 0 && errno != EINPROGRESS) {
    lose_by(flow, errno);
    return;
  }
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = flow};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, flow->fd, &event) < 0) die("epoll_ctl");
  if (target->type == SOCK_DGRAM && send(flow->fd, "again\n", 6, 0) < 0) lose_by(flow, errno);
}

static void take_answer(struct flow *flow) {
  char text[512];
  ssize_t n = recv(flow->fd, text, sizeof text, 0);
  if (n < 0 && errno == EAGAIN) return;
  if (n <= 0) {
    lose_by(flow, n < 0 ? errno : ECONNRESET);
    return;
  }
  if (!flow->waiting) return;
  int64_t now = now_ms(), took = now - (flow->due - patience);
  if (took > worst) worst = took;
  if (took >= SLOW_MS) slow++;
  flow->waiting = false;
  if (!flow->kept) {
    answered++;
    end_flow(flow);
    return;
  }
  if (!flow->answered && --unready == 0) printf("ready\n");
  flow->answered = true;
  flow->due = now + ASK_MS;
  if (!running) end_flow(flow);
}

static void ask_again(struct flow *flow, int64_t now) {
  asked++;
  flow->waiting = true;
  flow->due = now + patience;
  if (send(flow->fd, "again\n", 6, MSG_NOSIGNAL) < 0) lose_by(flow, errno);
}

/* Time-outs, questions on kept flows, and what has ended goes; only here, because epoll_wait hands out flows of one round. */
static void check_flows(int64_t now) {
  for (struct flow **link = &flows; *link;) {
    struct flow *flow = *link;
    if (flow->fd >= 0 && flow->due <= now) {
      if (flow->waiting) lose(flow, "timeout");
      else ask_again(flow, now);
    }
    if (flow->fd >= 0) {
      link = &flow->next;
      continue;
    }
    *link = flow->next;
    free(flow);
  }
}

/* ---- the loop ---- */

static void print_counts(void) {
  printf("counts elapsed=%ld started=%ld answered=%ld failed=%ld slow=%ld worst=%ld least=%ld held=%ld asked=%ld broken=%ld\n",
         (long)(now_ms() - begin), started, answered, failed, slow, worst, least, held, asked, broken);
}

/* @returns false at the end of stdin */
static bool read_commands(void) {
  char text[256];
  ssize_t n = read(0, text, sizeof text);
  if (n < 0 && errno == EAGAIN) return true;
  for (ssize_t i = 0; i < n; i++)
    if (text[i] == '\n') print_counts();
  return n > 0;
}

static void hold_flows(int count) {
  for (int i = 0, made = 0; made < count; i++) {
    if (i == target_count && made == 0) die("no TCP target to hold flows on");
    const struct target *target = &targets[i % target_count];
    if (target->type != SOCK_STREAM || target->protocol == IPPROTO_SCTP) continue;
    start_flow(target, true);
    made++;
  }
}

int main(int argc, char **argv) {
  if (argc < 4) return 2;
  signal(SIGPIPE, SIG_IGN);
  setvbuf(stdout, NULL, _IOLBF, 0);
  poller = epoll_create1(EPOLL_CLOEXEC);
  read_targets(argv[1]);
  long rate = atol(argv[2]);
  if (argc > 4) patience = atol(argv[4]);
  begin = now_ms();
  hold_flows(atoi(argv[3]));
  struct epoll_event commands = {.events = EPOLLIN, .data.ptr = NULL};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, 0, &commands) < 0) die("stdin");
  int64_t checked = begin, second = begin;
  long of_second = 0;
  while (running || open_flows > 0) {
    int64_t now = now_ms();
    /* Not many at once after a pause, or a server's queue of new connections overflows. */
    for (int i = 0; running && i < BURST && started < (now - begin) * rate / 1000; i++)
      start_flow(&targets[started % target_count], false);
    if (now - second >= 1000) {
      if (running && (least < 0 || started - of_second < least)) least = started - of_second;
      of_second = started;
      second = now;
    }
    if (now - checked >= CHECK_MS) {
      check_flows(now);
      checked = now;
    }
    struct epoll_event events[64];
    int count = epoll_wait(poller, events, 64, rate > 500 ? 1 : 2);
    for (int i = 0; i < count; i++) {
      struct flow *flow = events[i].data.ptr;
      if (flow && flow->fd >= 0) take_answer(flow);
      if (flow || !running) continue;
      running = read_commands();
      if (running) continue;
      epoll_ctl(poller, EPOLL_CTL_DEL, 0, NULL);
      for (struct flow *kept = flows; kept; kept = kept->next)
        if (kept->fd >= 0 && kept->kept && !kept->waiting) end_flow(kept);
    }
  }
  print_counts();
  return 0;
}
