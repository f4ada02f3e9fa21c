#define _GNU_SOURCE
#include "CEpoll.h"

#include <linux/filter.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>

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

int cepoll_timer(void) {
    return timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
}

int cepoll_timer_set(int timer, int64_t nanoseconds) {
    struct itimerspec in = {.it_value = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000}};
    return timerfd_settime(timer, 0, &in, NULL);
}

int cepoll_accept(int listening, void *address) {
    socklen_t length = sizeof(struct sockaddr_storage);
    memset(address, 0, length);
    return accept4(listening, address, &length, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

int cepoll_turn_away(int listening) {
    // A filter of such a socket sees each segment from its TCP header on, whose byte 13 holds the flags: SYN without ACK is
    // dropped, all else passes.
    struct sock_filter instructions[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x12),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x02, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, 0xFFFFFFFF),
    };
    struct sock_fprog program = {.len = sizeof instructions / sizeof instructions[0], .filter = instructions};
    return setsockopt(listening, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}
