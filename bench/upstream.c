// The upstream of the bench: one thread, one epoll. Prints the port it listens on, then serves until it is
// ended.
//
//   anything               200, a head of about 400 bytes, a completion as JSON of 1,024 bytes with its usage
//   GET /authorization     200, what came in `Authorization`
//   GET /sse?rate=20&bytes=140&events=0    events of `bytes` bytes, `rate` a second, `events` of them (0:
//                                          endless)
//   GET /body?bytes=N      N bytes of the pattern
//   POST /body             takes the pattern; 200 if every byte was right, else 500
#include "common.h"

enum { DESCRIPTORS_MAX = 65536, HEAD_MAX = 8192, SLOTS = 8192, TICK_NS = 100000 };

enum mode { READ_HEAD, SKIP_BODY, SEND_BODY, SEND_EVENTS };

struct connection {
    enum mode mode;
    char *head;             // an incomplete head, else NULL
    size_t head_bytes;
    uint64_t body_left;     // of the request, or of the large answer
    uint64_t body_offset;
    bool body_is_pattern, body_is_right;
    uint64_t event_number, events_left, interval_ns, due_ns;
    size_t event_bytes;
    char *unsent;           // the rest of a chunk that the socket did not take
    size_t unsent_bytes;
    int next_in_slot;       // the wheel's list; descriptors, 0 ends it
    bool open, in_wheel, watches_output;
};

static struct connection connections[DESCRIPTORS_MAX];
// A wheel of slots, each a list of descriptors. Why so fine: events of a thousand streams that came together
// would be relayed together, which costs less than the events of real upstreams do.
static int slots[SLOTS];
static uint64_t wheel_tick;
static int wheel_count, timer;
static int poll_descriptor;
static char small_answer[4096];
static size_t small_answer_bytes;

static void build_small_answer(void) {
    char body[SMALL_BODY_BYTES + 1];
    memset(body, 'x', sizeof body - 1);
    static const char front[] =
        "{\"id\":\"chatcmpl-0123456789abcdef\",\"object\":\"chat.completion\",\"created\":1798761600,"
        "\"model\":\"mock\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"";
    static const char back[] =
        "\"},\"finish_reason\":\"stop\"}],"
        "\"usage\":{\"prompt_tokens\":120,\"completion_tokens\":90,\"total_tokens\":210}}\n";
    memcpy(body, front, sizeof front - 1);
    memcpy(body + SMALL_BODY_BYTES - (sizeof back - 1), back, sizeof back - 1);
    body[SMALL_BODY_BYTES] = 0;
    small_answer_bytes = (size_t)snprintf(
        small_answer, sizeof small_answer,
        "HTTP/1.1 200 OK\r\nDate: Fri, 01 Jan 2027 00:00:00 GMT\r\nContent-Type: application/json\r\n"
        "Content-Length: %d\r\nX-Request-Id: req_0123456789abcdef0123456789abcdef\r\n"
        "OpenAI-Processing-Ms: 42\r\nOpenAI-Version: 2020-10-01\r\nX-RateLimit-Limit-Requests: 10000\r\n"
        "X-RateLimit-Remaining-Requests: 9999\r\nX-RateLimit-Reset-Requests: 6ms\r\n"
        "Cache-Control: no-store\r\nStrict-Transport-Security: max-age=31536000\r\n\r\n%s",
        SMALL_BODY_BYTES, body);
}

static void watch(int descriptor, bool output) {
    struct connection *c = &connections[descriptor];
    if (c->watches_output == output) return;
    c->watches_output = output;
    uint32_t events = EPOLLIN | EPOLLRDHUP | (output ? EPOLLOUT : 0);
    struct epoll_event event = {.events = events, .data.fd = descriptor};
    epoll_ctl(poll_descriptor, EPOLL_CTL_MOD, descriptor, &event);
}

// The wheel may still hold the descriptor: it forgets it when its slot comes.
static void close_connection(int descriptor) {
    struct connection *c = &connections[descriptor];
    free(c->head);
    free(c->unsent);
    int next = c->next_in_slot;
    bool in_wheel = c->in_wheel;
    memset(c, 0, sizeof *c);
    c->next_in_slot = next;
    c->in_wheel = in_wheel;
    close(descriptor);
}

// Sends, and keeps what the socket did not take. False: the connection is gone.
static bool send_all(int descriptor, const char *bytes, size_t count) {
    struct connection *c = &connections[descriptor];
    ssize_t sent = send(descriptor, bytes, count, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return false;
    if (sent < 0) sent = 0;
    if ((size_t)sent < count) {
        c->unsent_bytes = count - (size_t)sent;
        c->unsent = malloc(c->unsent_bytes);
        memcpy(c->unsent, bytes + sent, c->unsent_bytes);
        watch(descriptor, true);
    }
    return true;
}

static bool flush(int descriptor) {
    struct connection *c = &connections[descriptor];
    if (!c->unsent) return true;
    char *bytes = c->unsent;
    size_t count = c->unsent_bytes;
    c->unsent = NULL;
    watch(descriptor, false);
    bool alive = send_all(descriptor, bytes, count);
    free(bytes);
    return alive;
}

static bool send_body(int descriptor) {
    struct connection *c = &connections[descriptor];
    while (c->body_left > 0) {
        size_t place = c->body_offset % PATTERN_BYTES, piece = PATTERN_BYTES - place;
        if (piece > c->body_left) piece = c->body_left;
        ssize_t sent = send(descriptor, pattern() + place, piece, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN) return false;
        if (sent < 0) {
            watch(descriptor, true);
            return true;
        }
        c->body_left -= (uint64_t)sent;
        c->body_offset += (uint64_t)sent;
    }
    watch(descriptor, false);
    c->mode = READ_HEAD;
    return true;
}

// The clock ticks only while there are streams.
static void set_ticking(bool on) {
    struct itimerspec every = {.it_interval.tv_nsec = on ? TICK_NS : 0, .it_value.tv_nsec = on ? TICK_NS : 0};
    timerfd_settime(timer, 0, &every, NULL);
}

static void schedule(int descriptor) {
    struct connection *c = &connections[descriptor];
    uint64_t tick = c->due_ns / TICK_NS + 1;
    if (tick <= wheel_tick) tick = wheel_tick + 1;
    if (tick >= wheel_tick + SLOTS) tick = wheel_tick + SLOTS - 1;
    int *slot = &slots[tick % SLOTS];
    c->next_in_slot = *slot;
    c->in_wheel = true;
    *slot = descriptor;
    if (wheel_count++ == 0) set_ticking(true);
}

// The event that is due. An event that finds the socket full is sent later; none is left out.
static bool send_event(int descriptor, uint64_t now) {
    struct connection *c = &connections[descriptor];
    if (now < c->due_ns) return true;
    if (c->unsent) {
        c->due_ns = now + c->interval_ns;
        return true;
    }
    char chunk[EVENT_BYTES_MAX + 32];
    int front = snprintf(chunk, sizeof chunk, "%zx\r\n", c->event_bytes);
    make_event(chunk + front, c->event_bytes, c->event_number++);
    size_t count = (size_t)front + c->event_bytes;
    memcpy(chunk + count, "\r\n", 2);
    count += 2;
    bool last = c->events_left > 0 && --c->events_left == 0;
    if (last) {
        memcpy(chunk + count, "0\r\n\r\n", 5);
        count += 5;
        c->mode = READ_HEAD;
    }
    c->due_ns += c->interval_ns;
    if (c->due_ns < now) c->due_ns = now;
    return send_all(descriptor, chunk, count);
}

static bool start_events(int descriptor, const char *target, uint64_t now) {
    struct connection *c = &connections[descriptor];
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                               "Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n";
    uint64_t rate = query_number(target, "rate", 20);
    c->event_bytes = query_number(target, "bytes", 140);
    if (rate == 0 || c->event_bytes < EVENT_BYTES_MIN || c->event_bytes > EVENT_BYTES_MAX) return false;
    c->events_left = query_number(target, "events", 0);
    c->event_number = 0;
    c->interval_ns = 1000000000u / rate;
    c->due_ns = now;
    c->mode = SEND_EVENTS;
    if (!c->in_wheel) schedule(descriptor);
    return send_all(descriptor, head, sizeof head - 1);
}

static bool answer(int descriptor) {
    struct connection *c = &connections[descriptor];
    c->mode = READ_HEAD;
    if (c->body_is_pattern && !c->body_is_right) {
        static const char wrong[] = "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n";
        return send_all(descriptor, wrong, sizeof wrong - 1);
    }
    return send_all(descriptor, small_answer, small_answer_bytes);
}

// For checks, not for loads: a short text always finds room in the socket.
static bool answer_text(int descriptor, const char *text) {
    char whole[HEAD_MAX + 128];
    int count = snprintf(whole, sizeof whole,
                         "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n%s",
                         strlen(text), text);
    return send_all(descriptor, whole, (size_t)count);
}

static bool take_body(int descriptor, const char *bytes, size_t count) {
    struct connection *c = &connections[descriptor];
    if (c->body_is_pattern && !pattern_matches(bytes, count, c->body_offset)) c->body_is_right = false;
    c->body_offset += count;
    c->body_left -= count;
    return c->body_left > 0 || answer(descriptor);
}

// `head` ends with a NUL in place of its last LF. False: cannot be served.
static bool begin_request(int descriptor, char *head, uint64_t now) {
    struct connection *c = &connections[descriptor];
    char method[16], target[2048];
    if (sscanf(head, "%15s %2047s HTTP/1.1", method, target) != 2) return false;
    c->body_left = c->body_offset = 0;
    const char *authorization = "";
    for (char *line = strchr(head, '\n'); line; line = strchr(line, '\n')) {
        line++;
        if (strncasecmp(line, "content-length:", 15) == 0) c->body_left = strtoull(line + 15, NULL, 10);
        if (strncasecmp(line, "transfer-encoding:", 18) == 0) return false;
        if (strncasecmp(line, "authorization: ", 15) == 0) authorization = line + 15;
    }
    if (strcmp(target, "/authorization") == 0) {
        char text[HEAD_MAX];
        snprintf(text, sizeof text, "%.*s", (int)strcspn(authorization, "\r\n"), authorization);
        return answer_text(descriptor, text);
    }
    if (strncmp(target, "/sse", 4) == 0) return start_events(descriptor, target, now);
    c->body_is_pattern = strncmp(target, "/body", 5) == 0;
    c->body_is_right = true;
    if (c->body_is_pattern && strcmp(method, "GET") == 0) {
        c->body_left = query_number(target, "bytes", 100u << 20);
        c->mode = SEND_BODY;
        char answer_head[160];
        int count = snprintf(answer_head, sizeof answer_head,
                             "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n"
                             "Content-Length: %llu\r\n\r\n",
                             (unsigned long long)c->body_left);
        return send_all(descriptor, answer_head, (size_t)count) && (c->unsent || send_body(descriptor));
    }
    if (c->body_left == 0) return answer(descriptor);
    c->mode = SKIP_BODY;
    return true;
}

// Handles what was read. False: close.
static bool take(int descriptor, char *bytes, size_t count, uint64_t now) {
    struct connection *c = &connections[descriptor];
    while (count > 0) {
        if (c->mode == SKIP_BODY) {
            size_t piece = count < c->body_left ? count : (size_t)c->body_left;
            if (!take_body(descriptor, bytes, piece)) return false;
            bytes += piece;
            count -= piece;
            continue;
        }
        if (c->mode != READ_HEAD) return false;
        if (!c->head) c->head = malloc(HEAD_MAX + 1);
        size_t before = c->head_bytes;
        size_t room = HEAD_MAX - before, piece = count < room ? count : room;
        memcpy(c->head + before, bytes, piece);
        c->head_bytes += piece;
        size_t from = before > 3 ? before - 3 : 0;
        char *end = memmem(c->head + from, c->head_bytes - from, "\r\n\r\n", 4);
        if (!end) {
            if (c->head_bytes == HEAD_MAX) return false;
            return true;
        }
        size_t used = (size_t)(end + 4 - c->head) - before;
        end[3] = 0;
        char *head = c->head;
        c->head = NULL;
        c->head_bytes = 0;
        bool served = begin_request(descriptor, head, now);
        free(head);
        if (!served) return false;
        bytes += used;
        count -= used;
    }
    return true;
}

static void accept_all(int listener) {
    int descriptor;
    while ((descriptor = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        if (descriptor >= DESCRIPTORS_MAX) die("upstream: too many connections");
        no_delay(descriptor);
        connections[descriptor].open = true;
        struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.fd = descriptor};
        epoll_ctl(poll_descriptor, EPOLL_CTL_ADD, descriptor, &event);
    }
}

static void handle(int descriptor, uint32_t events, uint64_t now) {
    static char buffer[262144];
    struct connection *c = &connections[descriptor];
    if (!c->open) return;
    if (events & EPOLLOUT) {
        if (!flush(descriptor)) return close_connection(descriptor);
        if (!c->unsent && c->mode == SEND_BODY && !send_body(descriptor)) return close_connection(descriptor);
    }
    if (!(events & ~(uint32_t)EPOLLOUT)) return;
    ssize_t count = recv(descriptor, buffer, sizeof buffer, 0);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0 || !take(descriptor, buffer, (size_t)count, now)) close_connection(descriptor);
}

static void turn_wheel(uint64_t now) {
    if (wheel_count == 0) {
        wheel_tick = now / TICK_NS;
        return;
    }
    while (wheel_tick < now / TICK_NS) {
        wheel_tick++;
        int descriptor = slots[wheel_tick % SLOTS];
        slots[wheel_tick % SLOTS] = 0;
        while (descriptor) {
            struct connection *c = &connections[descriptor];
            int next = c->next_in_slot;
            c->in_wheel = false;
            wheel_count--;
            if (c->open && c->mode == SEND_EVENTS) {
                if (!send_event(descriptor, now)) close_connection(descriptor);
                else if (c->mode == SEND_EVENTS) schedule(descriptor);
            }
            descriptor = next;
        }
    }
    if (wheel_count == 0) set_ticking(false);
}

int main(void) {
    raise_descriptor_limit();
    build_small_answer();
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in address = loopback(0);
    socklen_t length = sizeof address;
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 4096) != 0)
        die("upstream: cannot listen: %s", strerror(errno));
    getsockname(listener, (struct sockaddr *)&address, &length);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    poll_descriptor = epoll_create1(0);
    struct epoll_event events[512] = {{.events = EPOLLIN, .data.fd = listener}};
    epoll_ctl(poll_descriptor, EPOLL_CTL_ADD, listener, &events[0]);
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    events[0] = (struct epoll_event){.events = EPOLLIN, .data.fd = timer};
    epoll_ctl(poll_descriptor, EPOLL_CTL_ADD, timer, &events[0]);
    wheel_tick = now_ns() / TICK_NS;
    while (true) {
        int count = epoll_wait(poll_descriptor, events, 512, -1);
        uint64_t now = now_ns();
        for (int i = 0; i < count; i++) {
            int descriptor = events[i].data.fd;
            if (descriptor == listener) accept_all(listener);
            else if (descriptor == timer) (void)!read(timer, &(uint64_t){0}, 8);
            else handle(descriptor, events[i].events, now);
        }
        turn_wheel(now);
    }
}
