// One client connection of the load generator, and the reader of its answers.
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include "common.h"

enum { HEAD_MAX = 16384 };

enum read_state {
    HEAD, LENGTH_BODY, CHUNK_SIZE, CHUNK_DATA, CHUNK_END, LAST_CHUNK_END, TO_END, DONE, BROKEN
};

// Reads one answer at a time and hands every piece of content to `content`.
struct answer {
    enum read_state state;
    int status;
    char head[HEAD_MAX];    // while in HEAD; also the line of a chunk size
    size_t head_bytes;
    uint64_t left;          // of the body or the chunk
    uint64_t content_bytes;
    bool is_chunked, closes;
};

// False: the content is not what was expected.
typedef bool content_function(void *context, const char *bytes, size_t count);

static inline void answer_reset(struct answer *a) {
    a->state = HEAD;
    a->head_bytes = 0;
    a->content_bytes = 0;
    a->is_chunked = a->closes = false;
}

static inline void answer_begin_body(struct answer *a) {
    int64_t length = -1;
    a->status = 0;
    if (sscanf(a->head, "HTTP/1.1 %d", &a->status) != 1) {
        a->state = BROKEN;
        return;
    }
    for (char *line = strchr(a->head, '\n'); line; line = strchr(line, '\n')) {
        line++;
        if (strncasecmp(line, "content-length:", 15) == 0) length = strtoll(line + 15, NULL, 10);
        if (strncasecmp(line, "transfer-encoding: chunked", 26) == 0) a->is_chunked = true;
        if (strncasecmp(line, "connection: close", 17) == 0) a->closes = true;
    }
    a->head_bytes = 0;
    a->left = length > 0 ? (uint64_t)length : 0;
    a->state = a->is_chunked ? CHUNK_SIZE : length < 0 ? TO_END : length == 0 ? DONE : LENGTH_BODY;
}

// One byte of a line that ends with CR LF, gathered in `head`. True: the line is complete.
static inline bool answer_line_byte(struct answer *a, char byte) {
    if (byte == '\n') {
        if (a->head_bytes == 0 || a->head[a->head_bytes - 1] != '\r') a->state = BROKEN;
        else a->head[a->head_bytes - 1] = 0;
        return true;
    }
    if (a->head_bytes > 64) a->state = BROKEN;
    else a->head[a->head_bytes++] = byte;
    return false;
}

static inline void answer_line(struct answer *a) {
    if (a->state == CHUNK_SIZE) {
        char *end;
        a->left = strtoull(a->head, &end, 16);
        if (end == a->head || (*end != 0 && *end != ';')) a->state = BROKEN;
        else a->state = a->left > 0 ? CHUNK_DATA : LAST_CHUNK_END;
    } else if (a->head[0] != 0) {
        a->state = BROKEN;  // a chunk longer than its size, or a trailer, which nobody sends here
    } else {
        a->state = a->state == CHUNK_END ? CHUNK_SIZE : DONE;
    }
    a->head_bytes = 0;
}

// Takes bytes until the answer is DONE or BROKEN; returns how many.
static inline size_t answer_take(struct answer *a, const char *bytes, size_t count, content_function *content,
                                 void *context) {
    size_t index = 0;
    while (index < count && a->state != DONE && a->state != BROKEN) {
        switch (a->state) {
        case HEAD: {
            if (a->head_bytes + 1 >= HEAD_MAX) {
                a->state = BROKEN;
                break;
            }
            char byte = bytes[index++];
            a->head[a->head_bytes++] = byte;
            if (byte != '\n' || a->head_bytes < 4) break;
            if (memcmp(a->head + a->head_bytes - 4, "\r\n\r\n", 4) == 0) {
                a->head[a->head_bytes] = 0;
                answer_begin_body(a);
            }
            break;
        }
        case LENGTH_BODY:
        case CHUNK_DATA:
        case TO_END: {
            size_t piece = count - index;
            if (a->state != TO_END && piece > a->left) piece = (size_t)a->left;
            if (!content(context, bytes + index, piece)) {
                a->state = BROKEN;
                break;
            }
            index += piece;
            a->content_bytes += piece;
            if (a->state == TO_END) break;
            a->left -= piece;
            if (a->left == 0) a->state = a->is_chunked ? CHUNK_END : DONE;
            break;
        }
        case CHUNK_SIZE:
        case CHUNK_END:
        case LAST_CHUNK_END:
            if (answer_line_byte(a, bytes[index++]) && a->state != BROKEN) answer_line(a);
            break;
        case DONE:
        case BROKEN: break;
        }
    }
    return index;
}

// The value of `--name VALUE` on the command line.
static inline const char *option(int count, char **arguments, const char *name, const char *otherwise) {
    for (int i = 2; i + 1 < count; i++)
        if (strncmp(arguments[i], "--", 2) == 0 && strcmp(arguments[i] + 2, name) == 0)
            return arguments[i + 1];
    return otherwise;
}

static inline double number_option(int count, char **arguments, const char *name, double otherwise) {
    const char *text = option(count, arguments, name, NULL);
    return text ? atof(text) : otherwise;
}

static inline bool flag(int count, char **arguments, const char *name) {
    for (int i = 2; i < count; i++)
        if (strncmp(arguments[i], "--", 2) == 0 && strcmp(arguments[i] + 2, name) == 0) return true;
    return false;
}

int run_http(int count, char **arguments);
int run_streams(int count, char **arguments);
int run_body(int count, char **arguments);

#endif
