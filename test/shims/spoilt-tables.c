/*
 * Preload shim: tables of LevelDB (files whose name ends in .ldb) on a disk that gives way. With HEARSAY_SHIM_TABLES=abort
 * the process ends by SIGABRT when LevelDB maps one into memory, as its own asserts end it over some damaged ones; with
 * HEARSAY_SHIM_TABLES=eio reading one by Node fails with EIO. Build: gcc -shared -fPIC -o spoilt-tables.so spoilt-tables.c -ldl
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int is_table(int fd) {
  char link[64], path[4096];
  if (fd < 0) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  return length >= 4 && memcmp(path + length - 4, ".ldb", 4) == 0;
}

static int asked_for(const char *what) {
  const char *mode = getenv("HEARSAY_SHIM_TABLES");
  return mode && strcmp(mode, what) == 0;
}

void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset) {
  static void *(*real)(void *, size_t, int, int, int, off_t);
  if (!real) real = (void *(*)(void *, size_t, int, int, int, off_t))dlsym(RTLD_NEXT, "mmap");
  if (fd >= 0 && asked_for("abort") && is_table(fd)) abort();
  return real(address, length, protection, flags, fd, offset);
}

void *mmap64(void *address, size_t length, int protection, int flags, int fd, off_t offset) {
  return mmap(address, length, protection, flags, fd, offset);
}

ssize_t read(int fd, void *buffer, size_t count) {
  static ssize_t (*real)(int, void *, size_t);
  if (!real) real = (ssize_t(*)(int, void *, size_t))dlsym(RTLD_NEXT, "read");
  if (asked_for("eio") && is_table(fd)) {
    errno = EIO;
    return -1;
  }
  return real(fd, buffer, count);
}
