// `load body`: large bodies, one after the other on one connection, every byte checked where it arrives.
#include "load.h"

static uint64_t offset;

static bool check_pattern(void *context, const char *bytes, size_t count) {
    (void)context;
    bool right = pattern_matches(bytes, count, offset);
    offset += count;
    return right;
}

static bool ignore(void *context, const char *bytes, size_t count) {
    (void)context, (void)bytes, (void)count;
    return true;
}

static void send_whole(int descriptor, const char *bytes, size_t count) {
    while (count > 0) {
        ssize_t sent = send(descriptor, bytes, count, MSG_NOSIGNAL);
        if (sent < 0) die("load: send: %s", strerror(errno));
        bytes += sent;
        count -= (size_t)sent;
    }
}

static bool read_answer(int descriptor, struct answer *answer, content_function *content) {
    static char buffer[262144];
    answer_reset(answer);
    while (answer->state != DONE) {
        ssize_t count = recv(descriptor, buffer, sizeof buffer, 0);
        if (count <= 0) return false;
        size_t used = answer_take(answer, buffer, (size_t)count, content, NULL);
        if (answer->state == BROKEN || used != (size_t)count) return false;
    }
    return answer->status == 200;
}

int run_body(int count, char **arguments) {
    int port = (int)number_option(count, arguments, "port", 0);
    uint64_t bytes = (uint64_t)number_option(count, arguments, "bytes", 104857600);
    int rounds = (int)number_option(count, arguments, "count", 10), wrong = 0;
    bool up = strcmp(option(count, arguments, "direction", "down"), "up") == 0;
    struct sockaddr_in address = loopback(port);
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    struct timeval patience = {.tv_sec = 30};
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(descriptor, (struct sockaddr *)&address, sizeof address) != 0)
        die("load: connect: %s", strerror(errno));
    no_delay(descriptor);
    struct answer *answer = malloc(sizeof *answer);
    uint64_t start_ns = now_ns();
    for (int round = 0; round < rounds; round++) {
        char head[512];
        unsigned long long size = bytes;
        int length = up ? snprintf(head, sizeof head,
                                   "POST /body HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Length: %llu\r\n"
                                   "Content-Type: application/octet-stream\r\n\r\n", port, size)
                        : snprintf(head, sizeof head,
                                   "GET /body?bytes=%llu HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n", size, port);
        send_whole(descriptor, head, (size_t)length);
        for (uint64_t done = 0; up && done < bytes;) {
            size_t piece = bytes - done < PATTERN_BYTES ? (size_t)(bytes - done) : PATTERN_BYTES;
            send_whole(descriptor, pattern(), piece);
            done += piece;
        }
        offset = 0;
        bool right = read_answer(descriptor, answer, up ? ignore : check_pattern);
        if (!right || (!up && answer->content_bytes != bytes)) {
            wrong = rounds - round;
            break;
        }
    }
    unsigned long long moved = bytes * (uint64_t)(rounds - wrong);
    double seconds = (double)(now_ns() - start_ns) / 1e9;
    printf("{\"bodies\":%d,\"wrong\":%d,\"bytes\":%llu,\"seconds\":%.6f}\n", rounds, wrong, moved, seconds);
    return 0;
}
