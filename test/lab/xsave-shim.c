/*
 * Preloaded into linux.uml so that a User-Mode Linux kernel whose floating-point buffer is fixed at build time
 * runs on CPUs with a larger XSAVE area (AMX tiles: Sapphire Rapids and later).
 *
 * The host's PTRACE_SETREGSET for NT_X86_XSTATE takes the whole area of the CPU or fails with EFAULT, and the 6.1
 * kernel hands it 2,696 bytes. So the calls are widened here: reads fetch everything and return the part the caller
 * has room for; writes are padded with zeros to full size, with only the state components that fit the caller's
 * buffer marked as valid. On other CPUs the sizes agree and every call passes through unchanged.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PEEK_TEXT = 1, PEEK_USER = 3, GET_REGSET = 0x4204, SET_REGSET = 0x4205, X86_XSTATE = 0x202 };
enum { XSTATE_BV_OFFSET = 512 };   /* header of the XSAVE area: the bit map of valid components */
#define COMPONENTS_UP_TO_PKRU 0x3ffULL /* x87 .. PKRU; AMX (17, 18) and what follows lie beyond the caller's buffer */

static char area[1 << 16] __attribute__((aligned(64)));
static size_t area_size; /* what this CPU wants, learned from the first read; 0 = not yet */

static long raw(long request, long pid, void *addr, void *data) {
  return syscall(SYS_ptrace, request, pid, addr, data);
}

static long read_area(long pid) {
  struct iovec whole = {area, sizeof area};
  long result = raw(GET_REGSET, pid, (void *)X86_XSTATE, &whole);
  if (result >= 0) area_size = whole.iov_len;
  return result;
}

static long get_xstate(long pid, struct iovec *wanted) {
  long result = read_area(pid);
  if (result < 0) return result;
  if (wanted->iov_len > area_size) wanted->iov_len = area_size;
  memcpy(wanted->iov_base, area, wanted->iov_len);
  return result;
}

static long set_xstate(long pid, struct iovec *given) {
  if (area_size == 0 && read_area(pid) < 0) return -1;
  if (given->iov_len >= area_size) return raw(SET_REGSET, pid, (void *)X86_XSTATE, given);
  memset(area, 0, area_size);
  memcpy(area, given->iov_base, given->iov_len);
  uint64_t valid;
  memcpy(&valid, area + XSTATE_BV_OFFSET, sizeof valid);
  valid &= COMPONENTS_UP_TO_PKRU;
  memcpy(area + XSTATE_BV_OFFSET, &valid, sizeof valid);
  struct iovec whole = {area, area_size};
  return raw(SET_REGSET, pid, (void *)X86_XSTATE, &whole);
}

long ptrace(int request, ...) {
  va_list args;
  va_start(args, request);
  long pid = va_arg(args, int);
  void *addr = va_arg(args, void *);
  void *data = va_arg(args, void *);
  va_end(args);

  if ((uintptr_t)addr == X86_XSTATE && request == GET_REGSET) return get_xstate(pid, data);
  if ((uintptr_t)addr == X86_XSTATE && request == SET_REGSET) return set_xstate(pid, data);
  if (request >= PEEK_TEXT && request <= PEEK_USER) {
    /* glibc's convention: the word is the return value, and errno alone tells an error from a word of -1. */
    long word;
    if (raw(request, pid, addr, &word) < 0) return -1;
    errno = 0;
    return word;
  }
  return raw(request, pid, addr, data);
}
