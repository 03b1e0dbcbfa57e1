#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int headgate_accept(int listener, struct sockaddr *address, socklen_t *length) {
    return accept4(listener, address, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

int headgate_pipe(int descriptors[2]) { return pipe2(descriptors, O_CLOEXEC); }

void headgate_name_thread(const char *name) {
    char kept[16] = {0};
    strncpy(kept, name, sizeof kept - 1);
    pthread_setname_np(pthread_self(), kept);
}

static uint64_t nanoseconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t headgate_monotonic_ns(void) { return nanoseconds(CLOCK_MONOTONIC); }
uint64_t headgate_realtime_ns(void) { return nanoseconds(CLOCK_REALTIME); }

int headgate_unsent_bytes(int descriptor) {
    int count = 0;
    return ioctl(descriptor, SIOCOUTQ, &count) == 0 ? count : -1;
}

int headgate_random(void *bytes, size_t count) {
    unsigned char *next = bytes;
    while (count > 0) {
        ssize_t got = getrandom(next, count, 0);
        if (got < 0) {
            if (errno == EINTR) continue;
            return -1;
        }
        next += got;
        count -= (size_t)got;
    }
    return 0;
}

int headgate_usable_cpus(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
    int count = CPU_COUNT(&set);
    return count > 0 ? count : 1;
}

static int unix_address(const char *path, struct sockaddr_un *address) {
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    size_t length = strlen(path);
    if (length >= sizeof address->sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address->sun_path, path, length + 1);
    return 0;
}

int headgate_bind_unix(int socket, const char *path) {
    struct sockaddr_un address;
    if (unix_address(path, &address) != 0) return -1;
    return bind(socket, (struct sockaddr *)&address, sizeof address);
}

int headgate_connect_unix(int socket, const char *path) {
    struct sockaddr_un address;
    if (unix_address(path, &address) != 0) return -1;
    return connect(socket, (struct sockaddr *)&address, sizeof address);
}

ssize_t headgate_send_message(int socket, const char *path, const void *bytes, size_t count,
                              const int *descriptors, size_t descriptor_count) {
    struct sockaddr_un address;
    struct iovec part = {.iov_base = (void *)bytes, .iov_len = count};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int) * HEADGATE_DESCRIPTORS_MAX)];
    } control;
    if (path != NULL) {
        if (unix_address(path, &address) != 0) return -1;
        message.msg_name = &address;
        message.msg_namelen = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
        if (address.sun_path[0] == '@') address.sun_path[0] = 0;
    }
    if (descriptor_count > HEADGATE_DESCRIPTORS_MAX) {
        errno = EINVAL;
        return -1;
    }
    if (descriptor_count > 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * descriptor_count);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int) * descriptor_count);
        memcpy(CMSG_DATA(header), descriptors, sizeof(int) * descriptor_count);
    }
    return sendmsg(socket, &message, MSG_NOSIGNAL);
}

ssize_t headgate_receive_message(int socket, void *bytes, size_t capacity, int *descriptors,
                                 size_t *descriptor_count) {
    struct iovec part = {.iov_base = bytes, .iov_len = capacity};
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int) * HEADGATE_DESCRIPTORS_MAX)];
    } control;
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    *descriptor_count = 0;
    ssize_t received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    if (received < 0) return received;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header != NULL; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(descriptors, CMSG_DATA(header), count * sizeof(int));
        *descriptor_count = count;
    }
    return received;
}

uint64_t headgate_raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
    rlim_t soft = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_max : soft;
}

void headgate_make_room_for_descriptors(uint64_t limit) {
    const uint64_t wanted = 16384;
    if (limit < 2) return;
    int highest = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, (int)((limit < wanted ? limit : wanted) - 1));
    // Why no error: without room the table grows later, which costs time and nothing else.
    if (highest >= 0) close(highest);
}

void headgate_yield_to_others(int nice) {
    struct sched_param none = {0};
    // Why no result: a thread that may not step back runs like any other, which costs time and nothing else.
    (void)sched_setscheduler(0, SCHED_BATCH, &none);
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), nice);
}

void headgate_return_memory(void) { malloc_trim(0); }

// In the new process, until it is another program: nothing here may take a lock, a thread that is not there may hold it.
static void become(const char *path, char *const arguments[], char *const environment[], int descriptor, int target) {
    signal(SIGPIPE, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (descriptor == target) {
        if (fcntl(target, F_SETFD, 0) != 0) return;
    } else if (dup2(descriptor, target) < 0) {
        return;
    }
    execve(path, arguments, environment);
}

pid_t headgate_start_sibling(const char *path, char *const arguments[], char *const environment[], int descriptor,
                             int target) {
    int word[2];
    if (pipe2(word, O_CLOEXEC) != 0) return -1;
    // A handler of ours must not run in the new process.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    pid_t process = (pid_t)syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
    if (process == 0) {
        // Why moved: `target` may be the number of the end that failure is told through.
        int telling = fcntl(word[1], F_DUPFD_CLOEXEC, target + 1);
        become(path, arguments, environment, descriptor, target);
        int code = errno;
        (void)!write(telling, &code, sizeof code);
        _exit(127);
    }
    int code = process < 0 ? errno : 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(word[1]);
    if (process > 0 && read(word[0], &code, sizeof code) != sizeof code) code = 0;
    close(word[0]);
    if (code == 0) return process;
    errno = code;
    return -1;
}
