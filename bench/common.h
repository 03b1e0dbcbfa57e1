// What the load generator and the upstream share: sockets, the clock, and the bytes that both sides know.
#ifndef BENCH_COMMON_H
#define BENCH_COMMON_H

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { PATTERN_BYTES = 65521, EVENT_BYTES_MIN = 32, EVENT_BYTES_MAX = 4096, SMALL_BODY_BYTES = 1024 };

static inline void die(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

static inline uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline void raise_descriptor_limit(void) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static inline struct sockaddr_in loopback(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static inline void no_delay(int descriptor) {
    int one = 1;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

// Large bodies: a block whose length is prime, so that a piece that is lost or moved never matches by chance.
static inline const char *pattern(void) {
    static char block[PATTERN_BYTES];
    if (block[0] == 0) {
        uint32_t state = 12345;
        for (int i = 0; i < PATTERN_BYTES; i++) {
            state = state * 1664525u + 1013904223u;
            block[i] = (char)(1 + (state >> 24) % 255);
        }
    }
    return block;
}

// Whether `bytes` are what a large body has at `offset`.
static inline bool pattern_matches(const char *bytes, size_t count, uint64_t offset) {
    while (count > 0) {
        size_t place = offset % PATTERN_BYTES;
        size_t piece = PATTERN_BYTES - place < count ? PATTERN_BYTES - place : count;
        if (memcmp(bytes, pattern() + place, piece) != 0) return false;
        bytes += piece;
        offset += piece;
        count -= piece;
    }
    return true;
}

// The event of a number: `data: `, the number in 16 hexadecimal digits, letters that depend on it, and an
// empty line.
static inline void make_event(char *event, size_t bytes, uint64_t number) {
    static const char digits[] = "0123456789abcdef";
    memcpy(event, "data: ", 6);
    for (int i = 0; i < 16; i++) event[6 + i] = digits[number >> (60 - 4 * i) & 15];
    for (size_t i = 22; i < bytes - 2; i++) event[i] = (char)('a' + (number + i) % 26);
    event[bytes - 2] = event[bytes - 1] = '\n';
}

// The number after `name=` in a target's query, or `otherwise`.
static inline uint64_t query_number(const char *target, const char *name, uint64_t otherwise) {
    const char *place = strchr(target, '?');
    size_t length = strlen(name);
    while (place) {
        place++;
        if (strncmp(place, name, length) == 0 && place[length] == '=')
            return strtoull(place + length + 1, NULL, 10);
        place = strchr(place, '&');
    }
    return otherwise;
}

#endif
