// pingpong SOCKET_PATH REQUEST_FILE COUNT: one connection, one request at a time, blocking calls and nothing else.
//
// Sends the file's bytes, waits for a whole answer with Content-Length and status 200, COUNT times after a tenth of that to
// warm up; prints one line of JSON with percentiles of the round trip in microseconds.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static char answer[1 << 20];

static void die(const char *what) {
    fprintf(stderr, "pingpong: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

// Receives one answer whole.
static void receive(int fd) {
    size_t got = 0, whole = 0;
    while (whole == 0 || got < whole) {
        ssize_t n = recv(fd, answer + got, sizeof answer - 1 - got, 0);
        if (n <= 0) die("recv");
        got += (size_t)n;
        answer[got] = 0;
        char *end = whole ? NULL : strstr(answer, "\r\n\r\n");
        if (!end) continue;
        char *length = strcasestr(answer, "\r\ncontent-length:");
        if (strncmp(answer, "HTTP/1.1 200 ", 13) || !length) die("not an answer of status 200 with a length");
        whole = (size_t)(end - answer) + 4 + strtoul(length + 17, NULL, 10);
    }
    if (got != whole) die("bytes behind the answer");
}

static int rising(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv) {
    if (argc != 4) return fprintf(stderr, "usage: pingpong SOCKET_PATH REQUEST_FILE COUNT\n"), 64;
    static char request[1 << 20];
    FILE *file = fopen(argv[2], "rb");
    if (!file) die(argv[2]);
    size_t size = fread(request, 1, sizeof request, file);
    long count = atol(argv[3]), warm = count / 10;
    double *took = malloc(sizeof *took * (size_t)count);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(argv[1]) >= sizeof address.sun_path) die("path too long");
    strcpy(address.sun_path, argv[1]);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address)) die("connect");
    for (long i = -warm; i < count; i++) {
        double began = now_us();
        for (size_t sent = 0; sent < size;) {
            ssize_t n = send(fd, request + sent, size - sent, MSG_NOSIGNAL);
            if (n <= 0) die("send");
            sent += (size_t)n;
        }
        receive(fd);
        if (i >= 0) took[i] = now_us() - began;
    }
    qsort(took, (size_t)count, sizeof *took, rising);
    printf("{\"p50_us\": %.2f, \"p99_us\": %.2f}\n", took[count / 2], took[count * 99 / 100]);
    return 0;
}
