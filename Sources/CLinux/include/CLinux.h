// The Linux calls that Swift's Glibc module cannot express: those behind _GNU_SOURCE, variadic calls, and the cmsg macros.
// Each returns what the call itself returns, with errno set; no policy lives here.

#ifndef LODESTORE_CLINUX_H
#define LODESTORE_CLINUX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// memfd_create(2) with MFD_CLOEXEC and MFD_ALLOW_SEALING.
int clinux_memfd_create(const char *name);

// fcntl(2) F_ADD_SEALS with SEAL, SHRINK, GROW and WRITE. EBUSY while a writable mapping exists.
int clinux_seal(int descriptor);

// 1 when all four of those seals are set, 0 when one is missing, -1 when the file is of no kind that has seals.
int clinux_is_sealed(int descriptor);

// madvise(2) MADV_POPULATE_READ and MADV_POPULATE_WRITE: faults the pages in; what would be SIGBUS on touch is an error here.
int clinux_populate_read(void *address, size_t length);
int clinux_populate_write(void *address, size_t length);

// sendmsg(2) of these bytes, with one descriptor by SCM_RIGHTS when `passed` is not negative. MSG_NOSIGNAL.
ssize_t clinux_send(int socket, const void *bytes, size_t length, int passed);

// recvmsg(2) of up to `length` bytes. `*received` is the one descriptor that came along, close-on-exec, or -1. When more
// than one came, all are closed and the call fails with EPROTO.
ssize_t clinux_receive(int socket, void *bytes, size_t length, int *received);

// accept4(2) with SOCK_CLOEXEC.
int clinux_accept(int listening);

// The peer's ids by SO_PEERCRED, as they were when it connected or listened.
int clinux_peer(int socket, uid_t *uid, pid_t *pid);

#endif
