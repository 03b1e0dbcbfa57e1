// `load http`: requests on keep-alive connections, as many as are answered or at a fixed rate.
#include "load.h"

struct request {
    char *text;
    size_t bytes;
    size_t address_at;      // where the address that changes stands in the text; 0: none does
};

struct client {
    int descriptor;
    bool connecting, busy;
    uint64_t due_ns;
    const struct request *request;
    struct request own;     // with `--addresses`: the request, with the address of this turn
    size_t sent;
    struct answer answer;
};

static struct client *clients;
static int poll_descriptor, port;
static struct sockaddr_in address;
static struct request *requests;              // sent in turn
static size_t request_count;
static uint64_t expected_bytes;
static bool fresh, until_eof, addresses;

static uint64_t begun, completed, target;     // requests; target 0: by time
static uint64_t failed, refused;
static uint64_t closed_idle;                  // by the server between two requests, which is its right
static uint64_t start_ns, end_ns, due_ns, interval_ns;
static uint32_t *latencies;                   // microseconds
static size_t latency_count, latency_room;
static int *waiting, waiting_count;           // clients without a request

static bool any_content(void *context, const char *bytes, size_t count) {
    (void)context, (void)bytes, (void)count;
    return true;
}

// `key`: goes along as `Authorization: Bearer`; NULL: none does.
static struct request build_request(const char *method, const char *path, size_t body_bytes, const char *key) {
    char *text = malloc(body_bytes + 4096 + (key ? strlen(key) : 0));
    bool post = strcmp(method, "POST") == 0;
    int count = sprintf(
        text,
        "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAccept: application/json\r\n"
        "Accept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\nUser-Agent: OpenAI/Python 3.52.0\r\n"
        "X-Stainless-Lang: python\r\n"
        "X-Stainless-Package-Version: 3.52.0\r\nX-Stainless-OS: Linux\r\nX-Stainless-Arch: x64\r\n"
        "X-Stainless-Runtime: CPython\r\nX-Stainless-Runtime-Version: 3.11.7\r\n"
        "X-Stainless-Retry-Count: 0\r\nX-Stainless-Read-Timeout: 600\r\n",
        method, path, port);
    size_t address_at = 0;
    if (addresses) {
        address_at = (size_t)count + strlen("X-Forwarded-For: ");
        count += sprintf(text + count, "X-Forwarded-For: 10.100.100.100\r\n");
    }
    if (key) count += sprintf(text + count, "Authorization: Bearer %s\r\n", key);
    static const char content[] = "Content-Type: application/json\r\nContent-Length: %zu\r\n";
    if (post) count += sprintf(text + count, content, body_bytes);
    count += sprintf(text + count, "\r\n");
    if (post) {
        static const char front[] = "{\"model\":\"mock\",\"messages\":[{\"role\":\"user\",\"content\":\"";
        static const char back[] = "\"}],\"max_tokens\":100}";
        if (body_bytes < sizeof front + sizeof back) die("load: --body is too small");
        memset(text + count, 'a', body_bytes);
        memcpy(text + count, front, sizeof front - 1);
        memcpy(text + count + body_bytes - (sizeof back - 1), back, sizeof back - 1);
        count += (int)body_bytes;
    }
    return (struct request){.text = text, .bytes = (size_t)count, .address_at = address_at};
}

// One request; with `--keys FILE` one for each line of the file.
static void build_requests(int count, char **arguments) {
    const char *method = option(count, arguments, "method", "POST");
    const char *path = option(count, arguments, "path", "/v1/chat/completions");
    size_t body_bytes = (size_t)number_option(count, arguments, "body", 558);
    const char *keys_path = option(count, arguments, "keys", NULL);
    if (keys_path && addresses) die("load: --keys and --addresses do not go together");
    if (!keys_path) {
        requests = malloc(sizeof *requests);
        requests[0] = build_request(method, path, body_bytes, option(count, arguments, "key", NULL));
        request_count = 1;
        return;
    }
    FILE *file = fopen(keys_path, "r");
    if (!file) die("load: %s: %s", keys_path, strerror(errno));
    char *line = NULL;
    size_t room = 0;
    for (ssize_t length; (length = getline(&line, &room, file)) > 0; request_count++) {
        line[strcspn(line, "\n")] = 0;
        requests = realloc(requests, (request_count + 1) * sizeof *requests);
        requests[request_count] = build_request(method, path, body_bytes, line);
    }
    free(line);
    fclose(file);
    if (request_count == 0) die("load: %s has no keys", keys_path);
}

static void open_client(int index) {
    struct client *c = &clients[index];
    c->descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (c->descriptor < 0) die("load: socket: %s", strerror(errno));
    no_delay(c->descriptor);
    if (fresh) {
        // Why: thousands of connections a second would use up the ports in TIME_WAIT.
        struct linger reset = {.l_onoff = 1, .l_linger = 0};
        setsockopt(c->descriptor, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    }
    c->connecting = true;
    answer_reset(&c->answer);
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.u32 = (uint32_t)index};
    if (connect(c->descriptor, (struct sockaddr *)&address, sizeof address) != 0 && errno != EINPROGRESS) {
        if (errno != ECONNREFUSED) die("load: connect: %s", strerror(errno));  // a refusal shows as EPOLLHUP
    }
    epoll_ctl(poll_descriptor, EPOLL_CTL_ADD, c->descriptor, &event);
}

static void reopen(int index) {
    close(clients[index].descriptor);
    open_client(index);
}

static void send_rest(int index) {
    struct client *c = &clients[index];
    while (c->sent < c->request->bytes) {
        ssize_t sent =
            send(c->descriptor, c->request->text + c->sent, c->request->bytes - c->sent, MSG_NOSIGNAL);
        if (sent < 0) return;   // a broken connection shows when it is read
        c->sent += (size_t)sent;
    }
}

// Whether another request may begin now.
static bool may_begin(uint64_t now) {
    if (target > 0 ? begun >= target : now >= end_ns) return false;
    return interval_ns == 0 || due_ns <= now;
}

// Each client has a copy, since what it sends may be under way when the next address is due. Every part of an
// address but the first is between 100 and 199, so that all are of one length.
static void set_address(struct client *c, uint64_t number) {
    const struct request *shared = c->request;
    if (!c->own.text) c->own.text = malloc(shared->bytes);
    memcpy(c->own.text, shared->text, shared->bytes);
    c->own.bytes = shared->bytes;
    char address_text[16];
    snprintf(address_text, sizeof address_text, "10.%d.%d.%d", (int)(100 + number / 10000 % 100),
             (int)(100 + number / 100 % 100), (int)(100 + number % 100));
    memcpy(c->own.text + shared->address_at, address_text, strlen(address_text));
    c->request = &c->own;
}

static void begin(int index, uint64_t now) {
    struct client *c = &clients[index];
    c->request = &requests[begun % request_count];
    if (addresses) set_address(c, begun);
    begun++;
    c->busy = true;
    c->sent = 0;
    c->due_ns = interval_ns ? due_ns : now;
    if (interval_ns) due_ns += interval_ns;
    answer_reset(&c->answer);
    if (!c->connecting) send_rest(index);
}

static void begin_or_wait(int index, uint64_t now) {
    if (may_begin(now)) begin(index, now);
    else waiting[waiting_count++] = index;
}

static void complete(int index, uint64_t now) {
    struct client *c = &clients[index];
    if (c->answer.status != 200 || c->answer.content_bytes != expected_bytes) failed++;
    completed++;
    if (latency_count == latency_room) {
        latency_room = latency_room ? 2 * latency_room : 65536;
        latencies = realloc(latencies, latency_room * sizeof *latencies);
    }
    latencies[latency_count++] = (uint32_t)((now - c->due_ns) / 1000);
    c->busy = false;
    if (fresh || c->answer.closes) reopen(index);
    begin_or_wait(index, now);
}

// The connection ended. A request on it has failed; without one the server closed an idle connection.
static void lose(int index, uint64_t now, bool was_refused) {
    struct client *c = &clients[index];
    bool was_busy = c->busy;
    if (was_refused) refused++;
    else if (was_busy) failed++;
    else closed_idle++;
    c->busy = false;
    reopen(index);
    if (!was_busy) return;
    completed++;
    begin_or_wait(index, now);
}

static void handle(int index, uint32_t events, uint64_t now) {
    static char buffer[65536];
    struct client *c = &clients[index];
    if (c->connecting) {
        int problem = 0;
        socklen_t size = sizeof problem;
        getsockopt(c->descriptor, SOL_SOCKET, SO_ERROR, &problem, &size);
        if (problem || (events & EPOLLHUP)) return lose(index, now, true);
        if (!(events & EPOLLOUT)) return;
        c->connecting = false;
    }
    if (c->busy && c->sent < c->request->bytes) send_rest(index);
    while (true) {
        ssize_t count = recv(c->descriptor, buffer, sizeof buffer, 0);
        if (count < 0 && errno == EAGAIN) return;
        if (count > 0 && c->busy) {
            size_t used = answer_take(&c->answer, buffer, (size_t)count, any_content, NULL);
            if (c->answer.state != BROKEN && used == (size_t)count) {
                if (c->answer.state == DONE) return complete(index, now);
                if ((size_t)count < sizeof buffer) return;
                continue;
            }
        }
        return lose(index, now, false);
    }
}

static int compare(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static double quantile(double part) {
    if (latency_count == 0) return 0;
    size_t place = (size_t)(part * (double)latency_count);
    return latencies[place < latency_count ? place : latency_count - 1];
}

static void report(void) {
    qsort(latencies, latency_count, sizeof *latencies, compare);
    double seconds = (double)(now_ns() - start_ns) / 1e9;
    printf("{\"requests\":%llu,\"failed\":%llu,\"refused\":%llu,\"closed_idle\":%llu,\"seconds\":%.6f,"
           "\"p50_us\":%.0f,\"p99_us\":%.0f,\"p999_us\":%.0f,\"max_us\":%.0f}\n",
           (unsigned long long)completed, (unsigned long long)failed, (unsigned long long)refused,
           (unsigned long long)closed_idle, seconds, quantile(0.5), quantile(0.99), quantile(0.999),
           quantile(1));
}

// Standard input is readable. Its end ends the load.
static void end_on_eof(uint64_t now) {
    char text[64];
    if (read(0, text, sizeof text) > 0) return;
    end_ns = now;
    epoll_ctl(poll_descriptor, EPOLL_CTL_DEL, 0, NULL);
}

int run_http(int count, char **arguments) {
    port = (int)number_option(count, arguments, "port", 0);
    int connections = (int)number_option(count, arguments, "connections", 64);
    target = (uint64_t)number_option(count, arguments, "requests", 0);
    double rate = number_option(count, arguments, "rate", 0);
    double seconds = number_option(count, arguments, "seconds", 5);
    expected_bytes = (uint64_t)number_option(count, arguments, "expect", SMALL_BODY_BYTES);
    fresh = flag(count, arguments, "fresh");
    until_eof = flag(count, arguments, "until-eof");
    addresses = flag(count, arguments, "addresses");
    address = loopback(port);
    build_requests(count, arguments);
    clients = calloc((size_t)connections, sizeof *clients);
    // Why twice: a connection that is lost while it waits is opened again and still waits.
    waiting = calloc((size_t)connections * 2, sizeof *waiting);
    poll_descriptor = epoll_create1(0);
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    struct epoll_event events[256] = {{.events = EPOLLIN, .data.u32 = UINT32_MAX}};
    epoll_ctl(poll_descriptor, EPOLL_CTL_ADD, timer, &events[0]);
    events[0].data.u32 = UINT32_MAX - 1;
    if (until_eof) epoll_ctl(poll_descriptor, EPOLL_CTL_ADD, 0, &events[0]);
    start_ns = due_ns = now_ns();
    end_ns = start_ns + (uint64_t)(seconds * 1e9);
    interval_ns = rate > 0 ? (uint64_t)(1e9 / rate) : 0;
    // What was begun may finish; what makes no progress for so long is a failure.
    uint64_t patience_ns = 10000000000u, progress_ns = start_ns, progress = 0;
    for (int i = 0; i < connections; i++) {
        open_client(i);
        begin_or_wait(i, start_ns);
    }
    while (true) {
        uint64_t now = now_ns();
        while (waiting_count > 0 && may_begin(now)) begin(waiting[--waiting_count], now);
        if (completed == begun && (target > 0 ? begun >= target : now >= end_ns)) break;
        if (progress != completed) progress = completed, progress_ns = now;
        if (completed < begun && now - progress_ns > patience_ns) {
            failed += begun - completed;
            break;
        }
        if (interval_ns) {
            struct timespec due = {(time_t)(due_ns / 1000000000u), (long)(due_ns % 1000000000u)};
            struct itimerspec next = {.it_value = due};
            timerfd_settime(timer, TFD_TIMER_ABSTIME, &next, NULL);
        }
        int ready = epoll_wait(poll_descriptor, events, 256, 100);
        now = now_ns();
        for (int i = 0; i < ready; i++) {
            if (events[i].data.u32 == UINT32_MAX) (void)!read(timer, &(uint64_t){0}, 8);
            else if (events[i].data.u32 == UINT32_MAX - 1) end_on_eof(now);
            else handle((int)events[i].data.u32, events[i].events, now);
        }
    }
    report();
    return 0;
}
