// `load stream`: streams of events, each checked byte for byte. `load idle`: connections that do nothing
// after one request.
#include "load.h"
#include <fcntl.h>
#include <poll.h>

struct stream {
    int descriptor;
    bool ended;
    uint64_t number;        // of the event that is being read
    size_t place;           // in that event
    struct answer answer;
};

static struct stream *streams;
static int stream_count, poll_descriptor;
static size_t event_bytes;
static bool is_idle;
static uint64_t events_read, broken, ended, opened, refused;
static uint64_t last_event_ns, gap_max_ns;      // the longest time in which no stream had an event

static bool check_event(void *context, const char *bytes, size_t count) {
    struct stream *s = context;
    if (is_idle) return true;
    while (count > 0) {
        char expected[EVENT_BYTES_MAX];
        make_event(expected, event_bytes, s->number);
        size_t piece = event_bytes - s->place < count ? event_bytes - s->place : count;
        if (memcmp(bytes, expected + s->place, piece) != 0) return false;
        bytes += piece;
        count -= piece;
        s->place += piece;
        if (s->place < event_bytes) continue;
        if (s->number == 0) opened++;
        s->place = 0;
        s->number++;
        events_read++;
    }
    return true;
}

static void open_streams(int port, const char *request) {
    struct sockaddr_in address = loopback(port);
    for (int i = 0; i < stream_count; i++) {
        struct stream *s = &streams[i];
        // Blocking while it connects: the proxy's backlog sets the pace.
        s->descriptor = socket(AF_INET, SOCK_STREAM, 0);
        if (s->descriptor < 0) die("load: socket: %s", strerror(errno));
        if (connect(s->descriptor, (struct sockaddr *)&address, sizeof address) != 0) {
            refused++;
            s->ended = true;
            continue;
        }
        no_delay(s->descriptor);
        if (send(s->descriptor, request, strlen(request), MSG_NOSIGNAL) < 0) {
            broken++;
            s->ended = true;
            continue;
        }
        fcntl(s->descriptor, F_SETFL, O_NONBLOCK);
        answer_reset(&s->answer);
        struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.u32 = (uint32_t)i};
        epoll_ctl(poll_descriptor, EPOLL_CTL_ADD, s->descriptor, &event);
    }
}

static void end_stream(struct stream *s, bool is_broken) {
    s->ended = true;
    if (is_broken) broken++;
    else ended++;
    close(s->descriptor);
}

static void handle(struct stream *s, uint64_t now) {
    static char buffer[65536];
    ssize_t count = recv(s->descriptor, buffer, sizeof buffer, 0);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) return end_stream(s, true);
    size_t used = answer_take(&s->answer, buffer, (size_t)count, check_event, s);
    if (last_event_ns && now - last_event_ns > gap_max_ns) gap_max_ns = now - last_event_ns;
    last_event_ns = now;
    bool is_wrong = s->answer.state == BROKEN || used != (size_t)count || s->answer.status > 200;
    if (is_wrong) return end_stream(s, true);
    if (s->answer.state != DONE) return;
    if (!is_idle) return end_stream(s, s->place != 0);
    opened++;
    answer_reset(&s->answer);
}

static void report(const char *moment) {
    printf("{\"moment\":\"%s\",\"opened\":%llu,\"events\":%llu,\"broken\":%llu,\"ended\":%llu,"
           "\"refused\":%llu,\"gap_max_ms\":%.1f}\n",
           moment, (unsigned long long)opened, (unsigned long long)events_read, (unsigned long long)broken,
           (unsigned long long)ended, (unsigned long long)refused, (double)gap_max_ns / 1e6);
}

// What standard input says: -1 nothing, 0 its end, 1 a line.
static int asked(void) {
    char text[256];
    struct pollfd input = {.fd = 0, .events = POLLIN};
    if (poll(&input, 1, 0) <= 0) return -1;
    return read(0, text, sizeof text) > 0;
}

int run_streams(int count, char **arguments) {
    is_idle = strcmp(arguments[1], "idle") == 0;
    int port = (int)number_option(count, arguments, "port", 0);
    stream_count = is_idle ? (int)number_option(count, arguments, "connections", 2000)
                           : (int)number_option(count, arguments, "streams", 1000);
    event_bytes = (size_t)number_option(count, arguments, "bytes", 140);
    if (event_bytes < EVENT_BYTES_MIN || event_bytes > EVENT_BYTES_MAX) die("load: --bytes is out of range");
    double seconds = number_option(count, arguments, "seconds", 600);
    char request[512];
    int written = is_idle ? snprintf(request, sizeof request, "GET %s", option(count, arguments, "path", "/"))
                          : snprintf(request, sizeof request, "GET %s?rate=%d&bytes=%zu&events=%d",
                                     option(count, arguments, "path", "/sse"),
                                     (int)number_option(count, arguments, "rate", 20), event_bytes,
                                     (int)number_option(count, arguments, "events", 0));
    snprintf(request + written, sizeof request - (size_t)written, " HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n",
             port);
    streams = calloc((size_t)stream_count, sizeof *streams);
    poll_descriptor = epoll_create1(0);
    uint64_t end_ns = now_ns() + (uint64_t)(seconds * 1e9);
    open_streams(port, request);
    struct epoll_event events[512] = {{.events = EPOLLIN, .data.u32 = UINT32_MAX}};
    epoll_ctl(poll_descriptor, EPOLL_CTL_ADD, 0, &events[0]);
    bool was_ready = false;
    while (now_ns() < end_ns) {
        if (!was_ready && opened + broken + refused >= (uint64_t)stream_count) {
            was_ready = true;
            report("open");
        }
        if (was_ready && broken + ended + refused >= (uint64_t)stream_count) break;
        int ready = epoll_wait(poll_descriptor, events, 512, 100);
        uint64_t now = now_ns();
        for (int i = 0; i < ready; i++) {
            if (events[i].data.u32 != UINT32_MAX) {
                if (!streams[events[i].data.u32].ended) handle(&streams[events[i].data.u32], now);
                continue;
            }
            int said = asked();
            if (said == 1) report("asked");
            if (said == 0) end_ns = 0;
        }
    }
    report("end");
    return 0;
}
