// The first process of the emulated lab (debian.mjs), from a file system in memory: loads what the
// rest is reached by, mounts the machine's file tree read-only with a layer in memory above it, and
// becomes $LAB_INIT in there. Linked statically and without a shell, so that nothing of the machine is
// needed yet. LAB_* come from the kernel's command line.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/module.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// The end of the first process is a panic, and that the end of the emulator (panic=-1).
static void end(const char *what, const char *which) {
  fprintf(stderr, "lab: %s %s: %s\n", what, which, strerror(errno));
  exit(1);
}

static void attach(const char *source, const char *target, const char *type, unsigned long flags,
                   const char *options) {
  mkdir(target, 0755);
  if (mount(source, target, type, flags, options) != 0) end("cannot mount", target);
}

static void load(const char *path) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) end("cannot open", path);
  // Later kernels come with compressed modules, which they unpack themselves.
  int flags = strstr(path, ".ko.") ? MODULE_INIT_COMPRESSED_FILE : 0;
  if (syscall(SYS_finit_module, file, "", flags) != 0 && errno != EEXIST) end("cannot load", path);
  close(file);
}

// In the order of their names, which begin with a number.
static void loadAll(const char *folder) {
  struct dirent **found;
  int count = scandir(folder, &found, NULL, alphasort);
  for (int i = 0; i < count; i++) {
    char path[4096];
    if (found[i]->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "%s/%s", folder, found[i]->d_name);
    load(path);
  }
}

int main(void) {
  const char *init = getenv("LAB_INIT");
  loadAll("/modules");
  attach("root", "/below", "9p", MS_RDONLY, "trans=virtio,version=9p2000.L,msize=512000,cache=loose");
  attach("above", "/above", "tmpfs", 0, "mode=755");
  mkdir("/above/upper", 0755);
  mkdir("/above/work", 0755);
  attach("lab", "/new", "overlay", 0, "lowerdir=/below,upperdir=/above/upper,workdir=/above/work");
  attach("dev", "/new/dev", "devtmpfs", 0, "");
  if (chdir("/new") != 0 || mount(".", "/", NULL, MS_MOVE, NULL) != 0 || chroot(".") != 0) {
    end("cannot enter", "/new");
  }
  // Without a word from the machine's own configuration.
  char *const argv[] = {(char *)init, NULL};
  if (init) execv(init, argv);
  end("cannot run", init ? init : "(no LAB_INIT)");
}
