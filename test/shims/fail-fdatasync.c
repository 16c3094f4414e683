/*
 * Preload shim: while the file named by HEARSAY_SHIM_TRIGGER exists, fdatasync of a LevelDB log (a file whose name ends in
 * .log) fails with EIO and syncs nothing. With HEARSAY_SHIM_ONCE set the trigger is removed first, so that it fails exactly
 * once. Build: gcc -shared -fPIC -o fail-fdatasync.so fail-fdatasync.c -ldl
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int is_log(int fd) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 4) return 0;
  return memcmp(path + length - 4, ".log", 4) == 0;
}

/* To remove the trigger is the test and the reset in one step: only one caller can succeed. */
static int is_triggered(const char *trigger) {
  return getenv("HEARSAY_SHIM_ONCE") ? unlink(trigger) == 0 : access(trigger, F_OK) == 0;
}

int fdatasync(int fd) {
  static int (*real)(int);
  if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  const char *trigger = getenv("HEARSAY_SHIM_TRIGGER");
  if (trigger && is_log(fd) && is_triggered(trigger)) {
    errno = EIO;
    return -1;
  }
  return real(fd);
}
