#define _GNU_SOURCE
#include "CEpoll.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

int cepoll_create(void) {
    return epoll_create1(EPOLL_CLOEXEC);
}

int cepoll_add(int epoll, int descriptor, int once) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | (once ? EPOLLET : 0), .data.fd = descriptor};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event);
}

int cepoll_remove(int epoll, int descriptor) {
    return epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, NULL);
}

int cepoll_wait(int epoll, struct cepoll_ready *ready, int limit, int timeout) {
    // Of the stack only as much is touched as there are events.
    struct epoll_event events[CEPOLL_LIMIT];
    int count = epoll_wait(epoll, events, limit < CEPOLL_LIMIT ? limit : CEPOLL_LIMIT, timeout);
    for (int index = 0; index < count; index++) {
        ready[index].descriptor = events[index].data.fd;
        ready[index].events = events[index].events;
    }
    return count;
}

int cepoll_eventfd(void) {
    return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

int cepoll_accept(int listening, void *address) {
    socklen_t length = sizeof(struct sockaddr_storage);
    memset(address, 0, length);
    return accept4(listening, address, &length, SOCK_CLOEXEC | SOCK_NONBLOCK);
}
