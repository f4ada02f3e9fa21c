// epoll(7), eventfd(2), timerfd_create(2) and accept4(2), which Swift's Glibc module does not show. Each returns what the call itself returns, with
// errno set; no policy lives here.

#ifndef LODESTORE_CEPOLL_H
#define LODESTORE_CEPOLL_H

// No header of sockets: Swift would then take their names from here and not from Glibc.
#include <stdint.h>

struct cepoll_ready {
    int descriptor;
    uint32_t events;
};

// EPOLLRDHUP, EPOLLHUP and EPOLLERR: the peer sends no more, or the socket has failed.
static const uint32_t CEPOLL_ENDED = 0x2000 | 0x10 | 0x8;

// epoll_create1(2), close-on-exec.
int cepoll_create(void);

// Watches for input and for the end of the peer's sending: told again and again until it is read, or, with `once`, when
// something new comes (EPOLLET).
int cepoll_add(int epoll, int descriptor, int once);
int cepoll_remove(int epoll, int descriptor);

// More events than one wait gives.
enum { CEPOLL_LIMIT = 16384 };

// epoll_wait(2) of up to `limit` events, at most CEPOLL_LIMIT, into `ready`; `timeout` in milliseconds, -1 for ever.
int cepoll_wait(int epoll, struct cepoll_ready *ready, int limit, int timeout);

// eventfd(2), close-on-exec and not blocking.
int cepoll_eventfd(void);

// timerfd_create(2) of the monotonic clock, close-on-exec and not blocking; readable once so many nanoseconds after `set`, 0 for
// never.
int cepoll_timer(void);
int cepoll_timer_set(int timer, int64_t nanoseconds);

// accept4(2), close-on-exec and not blocking; the peer's address goes to `address`, a struct sockaddr_storage.
int cepoll_accept(int listening, void *address);

// Lets a listening TCP socket begin no further connection: those that are under way come to be and can be accepted; who asks
// for a new one hears nothing, asks again, and is refused once the socket is closed. Source: socket(7), SO_ATTACH_FILTER.
int cepoll_turn_away(int listening);

#endif
