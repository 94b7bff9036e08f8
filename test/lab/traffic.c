/*
 * Servers and clients of the lab in one process: sockets in any network namespace, driven by lines on stdin, because
 * a fork costs about 0.1 s in the lab kernel and the packet matrix has hundreds of cases. Speaks TCP, SCTP, UDP and
 * just enough HTTP for curl. Decides nothing: which namespaces, names and expectations is up to traffic.ts.
 *
 *   ID serve NETNS NAME PROTO PORT              listens on all addresses, IPv4 and IPv6; answers "NAME CLIENT\n"
 *   ID stop NETNS                               ends every server of the namespace
 *   ID probe NETNS PROTO ADDRESS PORT MS        one new flow; waits MS for the answer, closes
 *   ID hold NETNS PROTO ADDRESS PORT MS         the same, and keeps the flow under the name ID
 *   ID say HELD MS                              asks again on a kept flow
 *   ID end HELD                                 closes a kept flow
 *   ID sysctl NETNS PATH VALUE                  writes /proc/sys/PATH as that namespace sees it
 *
 * NETNS is a name under /run/netns or "-" for the namespace this runs in; PROTO is tcp, udp, udp-large (datagrams of 5,000
 * bytes both ways, more than an Ethernet frame holds), sctp or http. Each line
 * gets one line back: "ID done", "ID answered NAME CLIENT", "ID refused", "ID dropped" (no answer in time), or
 * "ID error WHAT". Refused is what the client's kernel says (ECONNREFUSED: a reset or an ICMP port unreachable).
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sctp.h>
#include <netinet/in.h>
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

enum role { LISTENER, CONVERSATION, DATAGRAM_SERVER, CLIENT };

struct flow {
  struct flow *next;
  enum role role;
  int fd;
  bool http, large, connecting, waiting, kept, closed;
  int64_t deadline;               /* of a waiting client, ms */
  char id[64];                    /* of the line that waits for an answer */
  char held[64];                  /* name of a kept flow */
  char netns[64], name[64];       /* of a server */
  char client[INET6_ADDRSTRLEN];  /* of a conversation */
  char text[2048];                /* received so far */
  size_t length;
};

static struct flow *flows;
static int poller, home;

static int64_t now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void say(const char *id, const char *text) { printf("%s %s\n", id, text); }

static void say_error(const char *id, int number) {
  printf("%s error %s\n", id, strerrorname_np(number) ? strerrorname_np(number) : "unknown");
}

static bool enter(const char *netns) {
  if (strcmp(netns, "-") == 0) return setns(home, CLONE_NEWNET) == 0;
  char path[128];
  snprintf(path, sizeof path, "/run/netns/%s", netns);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  bool done = setns(fd, CLONE_NEWNET) == 0;
  close(fd);
  return done;
}

static struct flow *add_flow(enum role role, int fd, uint32_t events) {
  struct flow *flow = calloc(1, sizeof *flow);
  if (!flow) abort();
  flow->role = role;
  flow->fd = fd;
  flow->next = flows;
  flows = flow;
  struct epoll_event event = {.events = events, .data.ptr = flow};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) < 0) abort();
  return flow;
}

/* Only marked here, because epoll_wait may have handed out this flow for later in the same round. */
static void close_flow(struct flow *flow) {
  if (!flow->closed) close(flow->fd);
  flow->closed = true;
}

static void sweep(void) {
  for (struct flow **link = &flows; *link;) {
    struct flow *flow = *link;
    if (!flow->closed) {
      link = &flow->next;
      continue;
    }
    *link = flow->next;
    free(flow);
  }
}

enum { LARGE = 5000 };

static bool is_protocol(const char *proto, const char *name) { return strcmp(proto, name) == 0; }

static bool is_udp(const char *proto) { return is_protocol(proto, "udp") || is_protocol(proto, "udp-large"); }

static int make_socket(int family, const char *proto) {
  bool udp = is_udp(proto);
  int number = udp ? IPPROTO_UDP : is_protocol(proto, "sctp") ? IPPROTO_SCTP : IPPROTO_TCP;
  int type = (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
  int fd = socket(family, type, number), on = 1;
  if (fd < 0) return -1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (number == IPPROTO_SCTP) {
    /* Without these an ICMP error is only a soft one for SCTP, and a refusal looks like a loss. */
    if (family == AF_INET) setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof on);
    else setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof on);
    /* An ICMP error that comes back while connect() still holds the socket is lost; INIT goes out again after this. */
    struct sctp_rtoinfo again = {.srto_initial = 250, .srto_min = 250, .srto_max = 1000};
    setsockopt(fd, IPPROTO_SCTP, SCTP_RTOINFO, &again, sizeof again);
  }
  if (udp && family == AF_INET) setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
  if (udp && family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
  return fd;
}

static bool parse_address(const char *text, int port, struct sockaddr_storage *address) {
  struct sockaddr_in *v4 = (void *)address;
  struct sockaddr_in6 *v6 = (void *)address;
  memset(address, 0, sizeof *address);
  if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    return true;
  }
  if (inet_pton(AF_INET6, text, &v6->sin6_addr) != 1) return false;
  v6->sin6_family = AF_INET6;
  v6->sin6_port = htons(port);
  return true;
}

static socklen_t size_of(const struct sockaddr_storage *address) {
  return address->ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
}

static void print_address(const struct sockaddr_storage *address, char text[INET6_ADDRSTRLEN]) {
  const void *bytes = address->ss_family == AF_INET ? (void *)&((struct sockaddr_in *)address)->sin_addr
                                                    : (void *)&((struct sockaddr_in6 *)address)->sin6_addr;
  inet_ntop(address->ss_family, bytes, text, INET6_ADDRSTRLEN);
}

/* ---- servers ---- */

static int listen_on(const char *any, const char *proto, int port) {
  struct sockaddr_storage address;
  parse_address(any, port, &address);
  int fd = make_socket(address.ss_family, proto);
  if (fd < 0) return -1;
  if (bind(fd, (void *)&address, size_of(&address)) < 0 ||
      (!is_udp(proto) && listen(fd, 128) < 0)) {
    int number = errno;
    close(fd);
    errno = number;
    return -1;
  }
  return fd;
}

static void serve(const char *id, const char *netns, const char *name, const char *proto, int port) {
  static const char *const any[] = {"0.0.0.0", "::"};
  for (int i = 0; i < 2; i++) {
    int fd = enter(netns) ? listen_on(any[i], proto, port) : -1;
    if (fd < 0) {
      say_error(id, errno);
      return;
    }
    struct flow *flow = add_flow(is_udp(proto) ? DATAGRAM_SERVER : LISTENER, fd, EPOLLIN);
    flow->http = is_protocol(proto, "http");
    flow->large = is_protocol(proto, "udp-large");
    snprintf(flow->netns, sizeof flow->netns, "%s", netns);
    snprintf(flow->name, sizeof flow->name, "%s", name);
  }
  say(id, "done");
}

static void stop(const char *id, const char *netns) {
  for (struct flow *flow = flows; flow; flow = flow->next)
    if (flow->role != CLIENT && strcmp(flow->netns, netns) == 0) close_flow(flow);
  say(id, "done");
}

static void send_answer(struct flow *flow) {
  char body[160], whole[320];
  int length = snprintf(body, sizeof body, "%s %s\n", flow->name, flow->client);
  const char *head = flow->http ? "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s" : "%2$s";
  length = snprintf(whole, sizeof whole, head, length, body);
  if (send(flow->fd, whole, length, MSG_NOSIGNAL) < 0) close_flow(flow);
}

static void accept_flow(struct flow *listener) {
  struct sockaddr_storage from;
  socklen_t size = sizeof from;
  int fd = accept4(listener->fd, (void *)&from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return;
  struct flow *flow = add_flow(CONVERSATION, fd, EPOLLIN);
  flow->http = listener->http;
  strcpy(flow->netns, listener->netns);
  strcpy(flow->name, listener->name);
  print_address(&from, flow->client);
  if (!flow->http) send_answer(flow);
}

/* Answers each line, or each HTTP request, until the client closes. */
static void converse(struct flow *flow) {
  ssize_t n = read(flow->fd, flow->text + flow->length, sizeof flow->text - flow->length - 1);
  if (n < 0 && errno == EAGAIN) return;
  if (n <= 0 || flow->length + n == sizeof flow->text - 1) {
    close_flow(flow);
    return;
  }
  flow->length += n;
  flow->text[flow->length] = 0;
  if (!strstr(flow->text, flow->http ? "\r\n\r\n" : "\n")) return;
  flow->length = 0;
  send_answer(flow);
}

/* The control message of the request goes back with the answer, so that it leaves from the address that was asked. */
static void answer_datagram(struct flow *flow) {
  char text[LARGE] = {0}, control[256];
  struct sockaddr_storage from;
  struct iovec part = {text, sizeof text};
  struct msghdr message = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &part, .msg_iovlen = 1,
                           .msg_control = control, .msg_controllen = sizeof control};
  if (recvmsg(flow->fd, &message, 0) < 0) return;
  struct cmsghdr *info = CMSG_FIRSTHDR(&message);
  if (info && info->cmsg_level == IPPROTO_IP && info->cmsg_type == IP_PKTINFO)
    ((struct in_pktinfo *)CMSG_DATA(info))->ipi_ifindex = 0;
  if (info && info->cmsg_level == IPPROTO_IPV6 && info->cmsg_type == IPV6_PKTINFO)
    ((struct in6_pktinfo *)CMSG_DATA(info))->ipi6_ifindex = 0;
  print_address(&from, flow->client);
  part.iov_len = snprintf(text, sizeof text, "%s %s\n", flow->name, flow->client);
  if (flow->large) part.iov_len = LARGE;
  message.msg_flags = 0;
  sendmsg(flow->fd, &message, MSG_NOSIGNAL);
}

/* ---- clients ---- */

static void settle(struct flow *flow, bool alive) {
  flow->waiting = false;
  if (!alive || !flow->kept) close_flow(flow);
}

static void fail(struct flow *flow, int number) {
  if (number == ECONNREFUSED) say(flow->id, "refused");
  else say_error(flow->id, number);
  settle(flow, false);
}

static void watch(struct flow *flow, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = flow};
  epoll_ctl(poller, EPOLL_CTL_MOD, flow->fd, &event);
}

static void ask(struct flow *flow, bool first, bool datagram) {
  static const char large[LARGE] = "again\n";
  const char *text = flow->http ? "GET / HTTP/1.1\r\nHost: lab\r\n\r\n" : "again\n";
  flow->length = 0;
  if (!flow->http && !datagram && first) return;
  ssize_t sent = flow->large ? send(flow->fd, large, LARGE, MSG_NOSIGNAL)
                             : send(flow->fd, text, strlen(text), MSG_NOSIGNAL);
  if (sent < 0) fail(flow, errno);
}

/*
 * An SCTP client tells all its addresses to the server, which then also tries those that are not translated on the way;
 * their errors can end the association before its answer. So it gets one: what the route to the server has as source.
 */
static bool bind_to_one_address(int fd, const struct sockaddr_storage *server) {
  struct sockaddr_storage own;
  socklen_t size = sizeof own;
  int scout = socket(server->ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  bool found = scout >= 0 && connect(scout, (const void *)server, size_of(server)) == 0 &&
               getsockname(scout, (void *)&own, &size) == 0;
  int number = errno;
  if (scout >= 0) close(scout);
  errno = number;
  if (!found) return false;
  if (own.ss_family == AF_INET) ((struct sockaddr_in *)&own)->sin_port = 0;
  else ((struct sockaddr_in6 *)&own)->sin6_port = 0;
  return bind(fd, (void *)&own, size) == 0;
}

static void open_flow(const char *id, const char *netns, const char *proto, const char *text, int port, int ms, bool kept) {
  struct sockaddr_storage address;
  if (!parse_address(text, port, &address)) {
    say_error(id, EINVAL);
    return;
  }
  int fd = enter(netns) ? make_socket(address.ss_family, proto) : -1;
  if (fd < 0) {
    say_error(id, errno);
    return;
  }
  if (is_protocol(proto, "sctp") && !bind_to_one_address(fd, &address)) {
    say_error(id, errno);
    close(fd);
    return;
  }
  bool datagram = is_udp(proto);
  struct flow *flow = add_flow(CLIENT, fd, datagram ? EPOLLIN : EPOLLIN | EPOLLOUT);
  flow->http = is_protocol(proto, "http");
  flow->large = is_protocol(proto, "udp-large");
  flow->waiting = true;
  flow->kept = kept;
  flow->deadline = now_ms() + ms;
  snprintf(flow->id, sizeof flow->id, "%s", id);
  if (kept) snprintf(flow->held, sizeof flow->held, "%s", id);
  if (connect(fd, (void *)&address, size_of(&address)) == 0) ask(flow, true, datagram);
  else if (errno == EINPROGRESS) flow->connecting = true;
  else fail(flow, errno);
}

static struct flow *find_held(const char *held) {
  for (struct flow *flow = flows; flow; flow = flow->next)
    if (!flow->closed && flow->kept && strcmp(flow->held, held) == 0) return flow;
  return NULL;
}

static void say_again(const char *id, const char *held, int ms) {
  struct flow *flow = find_held(held);
  if (!flow || flow->waiting) {
    say_error(id, ENOTCONN);
    return;
  }
  snprintf(flow->id, sizeof flow->id, "%s", id);
  flow->waiting = true;
  flow->deadline = now_ms() + ms;
  ask(flow, false, false);
}

static void end_held(const char *id, const char *held) {
  struct flow *flow = find_held(held);
  if (flow && flow->waiting) say_error(flow->id, ECANCELED);
  if (flow) close_flow(flow);
  say(id, "done");
}

/* The answer is the last line of what came: the only one, or the body after the head of HTTP. */
static bool read_answer(struct flow *flow) {
  char *body = flow->text;
  if (flow->http) {
    body = strstr(flow->text, "\r\n\r\n");
    if (!body) return false;
    body += 4;
  }
  char *end = strchr(body, '\n');
  if (!end) return false;
  *end = 0;
  printf("%s answered %s\n", flow->id, body);
  settle(flow, true);
  return true;
}

static void client_event(struct flow *flow) {
  if (flow->connecting) {
    int number = 0;
    socklen_t size = sizeof number;
    getsockopt(flow->fd, SOL_SOCKET, SO_ERROR, &number, &size);
    if (number != 0) {
      fail(flow, number);
      return;
    }
    flow->connecting = false;
    watch(flow, EPOLLIN);
    ask(flow, true, false);
    return;
  }
  ssize_t n = recv(flow->fd, flow->text + flow->length, sizeof flow->text - flow->length - 1, 0);
  if (n < 0 && errno == EAGAIN) return;
  if (!flow->waiting) { /* a kept flow that the other side ended */
    close_flow(flow);
    return;
  }
  if (n <= 0) {
    fail(flow, n < 0 ? errno : ECONNRESET);
    return;
  }
  flow->length += n;
  flow->text[flow->length] = 0;
  read_answer(flow);
}

/* ---- the loop ---- */

static void write_sysctl(const char *id, const char *netns, const char *path, const char *value) {
  char whole[256];
  snprintf(whole, sizeof whole, "/proc/sys/%s", path);
  int fd = enter(netns) ? open(whole, O_WRONLY | O_CLOEXEC) : -1;
  bool done = fd >= 0 && write(fd, value, strlen(value)) >= 0;
  if (done) say(id, "done");
  else say_error(id, errno);
  if (fd >= 0) close(fd);
}

static void obey(char *line) {
  char *word[8] = {0}, *rest = line;
  int count = 0;
  while (count < 8 && (word[count] = strsep(&rest, " ")) != NULL) count++;
  if (count < 3) return;
  const char *id = word[0], *verb = word[1];
  if (is_protocol(verb, "serve") && count == 6) serve(id, word[2], word[3], word[4], atoi(word[5]));
  else if (is_protocol(verb, "stop") && count == 3) stop(id, word[2]);
  else if (is_protocol(verb, "probe") && count == 7) open_flow(id, word[2], word[3], word[4], atoi(word[5]), atoi(word[6]), false);
  else if (is_protocol(verb, "hold") && count == 7) open_flow(id, word[2], word[3], word[4], atoi(word[5]), atoi(word[6]), true);
  else if (is_protocol(verb, "say") && count == 4) say_again(id, word[2], atoi(word[3]));
  else if (is_protocol(verb, "end") && count == 3) end_held(id, word[2]);
  else if (is_protocol(verb, "sysctl") && count == 5) write_sysctl(id, word[2], word[3], word[4]);
  else say_error(id, EINVAL);
}

static void read_commands(void) {
  static char text[1 << 16];
  static size_t length;
  ssize_t n = read(0, text + length, sizeof text - length);
  if (n <= 0) exit(0);
  length += n;
  char *start = text, *end;
  while ((end = memchr(start, '\n', text + length - start)) != NULL) {
    *end = 0;
    obey(start);
    start = end + 1;
  }
  length -= start - text;
  memmove(text, start, length);
}

/* @returns ms until the next deadline, -1 for none */
static int expire(void) {
  int64_t now = now_ms(), next = -1;
  for (struct flow *flow = flows; flow; flow = flow->next) {
    if (flow->closed || flow->role != CLIENT || !flow->waiting) continue;
    if (flow->deadline <= now) {
      say(flow->id, "dropped");
      settle(flow, !flow->connecting);
    } else if (next < 0 || flow->deadline - now < next) {
      next = flow->deadline - now;
    }
  }
  return next;
}

static void handle(struct flow *flow) {
  if (!flow) read_commands();
  else if (flow->closed) return;
  else if (flow->role == LISTENER) accept_flow(flow);
  else if (flow->role == CONVERSATION) converse(flow);
  else if (flow->role == DATAGRAM_SERVER) answer_datagram(flow);
  else client_event(flow);
}

int main(void) {
  signal(SIGPIPE, SIG_IGN);
  setvbuf(stdout, NULL, _IOFBF, 1 << 16);
  home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  poller = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event commands = {.events = EPOLLIN, .data.ptr = NULL};
  if (home < 0 || poller < 0 || epoll_ctl(poller, EPOLL_CTL_ADD, 0, &commands) < 0) return 1;
  for (;;) {
    struct epoll_event events[64];
    int timeout = expire();
    sweep();
    fflush(stdout);
    int count = epoll_wait(poller, events, 64, timeout);
    for (int i = 0; i < count; i++) handle(events[i].data.ptr);
  }
}
