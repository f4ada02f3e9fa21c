#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

static const int required_seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

int clinux_memfd_create(const char *name) {
    return memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

int clinux_seal(int descriptor) {
    return fcntl(descriptor, F_ADD_SEALS, required_seals);
}

int clinux_is_sealed(int descriptor) {
    int seals = fcntl(descriptor, F_GET_SEALS);
    if (seals < 0) return -1;
    return (seals & required_seals) == required_seals;
}

int clinux_populate_read(void *address, size_t length) {
    return madvise(address, length, MADV_POPULATE_READ);
}

int clinux_populate_write(void *address, size_t length) {
    return madvise(address, length, MADV_POPULATE_WRITE);
}

ssize_t clinux_send(int socket, const void *bytes, size_t length, int passed) {
    struct iovec part = {.iov_base = (void *)bytes, .iov_len = length};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    if (passed >= 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = &control;
        message.msg_controllen = sizeof control.space;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(header), &passed, sizeof(int));
    }
    return sendmsg(socket, &message, MSG_NOSIGNAL);
}

// Room for two descriptors, so that a sender of too many is noticed; the kernel itself drops those that do not fit.
#define RECEIVED_LIMIT 2

ssize_t clinux_receive(int socket, void *bytes, size_t length, int *received) {
    struct iovec part = {.iov_base = bytes, .iov_len = length};
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(RECEIVED_LIMIT * sizeof(int))];
    } control;
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control.space};
    *received = -1;
    ssize_t count = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    if (count < 0) return count;

    int descriptors[RECEIVED_LIMIT];
    size_t descriptor_count = 0;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        size_t inside = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t index = 0; index < inside; index++) {
            int descriptor;
            memcpy(&descriptor, CMSG_DATA(header) + index * sizeof(int), sizeof(int));
            if (descriptor_count < RECEIVED_LIMIT) {
                descriptors[descriptor_count++] = descriptor;
            } else {
                close(descriptor);
            }
        }
    }
    if (descriptor_count == 0 && (message.msg_flags & MSG_CTRUNC)) {
        // The first of them had room and is not there: this process may not have another open. The bytes came all the same.
        *received = -2;
        return count;
    }
    if (descriptor_count > 1 || (message.msg_flags & MSG_CTRUNC)) {
        for (size_t index = 0; index < descriptor_count; index++) close(descriptors[index]);
        errno = EPROTO;
        return -1;
    }
    if (descriptor_count == 1) *received = descriptors[0];
    return count;
}

int clinux_accept(int listening) {
    return accept4(listening, NULL, NULL, SOCK_CLOEXEC);
}

int clinux_peer(int socket, uid_t *uid, pid_t *pid) {
    struct ucred peer;
    socklen_t length = sizeof peer;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return -1;
    *uid = peer.uid;
    *pid = peer.pid;
    return 0;
}
