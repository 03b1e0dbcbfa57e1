#ifndef HEADGATE_CLINUX_H
#define HEADGATE_CLINUX_H

// What `import Glibc` lacks: epoll, eventfd, signalfd, inotify masks, and the calls hidden behind
// _GNU_SOURCE. Why no _GNU_SOURCE here: with it this header redefines fd_set differently from the Glibc
// module, and the module fails to build. It stands in CLinux.c alone.

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <stdint.h>
#include <stddef.h>

/// `accept4(2)` with SOCK_NONBLOCK | SOCK_CLOEXEC.
int headgate_accept(int listener, struct sockaddr *address, socklen_t *length);
/// `pipe2(2)` with O_CLOEXEC.
int headgate_pipe(int descriptors[2]);
/// `pthread_setname_np(3)` for the calling thread; at most 15 bytes are kept.
void headgate_name_thread(const char *name);
/// Nanoseconds of CLOCK_MONOTONIC. `clock_gettime(2)`, answered by the vDSO.
uint64_t headgate_monotonic_ns(void);
/// Nanoseconds of CLOCK_REALTIME since 1970.
uint64_t headgate_realtime_ns(void);
/// Bytes that were sent but not acknowledged, or not sent yet: `ioctl(2)` with SIOCOUTQ; -1 on an error.
int headgate_unsent_bytes(int descriptor);
/// `getrandom(2)`; returns 0, or -1 with errno set.
int headgate_random(void *bytes, size_t count);
/// `getpagesize`-free wrapper: the number of CPUs this process may run on (`sched_getaffinity(2)`), at least
/// 1.
int headgate_usable_cpus(void);
/// The calling thread lets others go first: SCHED_BATCH (`sched_setscheduler(2)`), so that it interrupts nobody
/// when it is woken, and a niceness of 0 to 19 (`setpriority(2)`, which on Linux is a thread's own).
void headgate_yield_to_others(int nice);

/// Gives memory that was freed back to the system: `malloc_trim(3)`.
void headgate_return_memory(void);

/// Raises the soft limit of open files to the hard one (`setrlimit(2)`). Returns the limit in force.
uint64_t headgate_raise_descriptor_limit(void);
/// Lets the kernel make the table of descriptors large at once, for up to 16,384. Before there are threads: growing
/// it later stops whichever thread opens the next one for 10 to 30 ms each time (an RCU grace period).
void headgate_make_room_for_descriptors(uint64_t limit);
/// `bind(2)` and `connect(2)` of a Unix socket by path; -1 with errno set, ENAMETOOLONG beyond 107 bytes.
int headgate_bind_unix(int socket, const char *path);
int headgate_connect_unix(int socket, const char *path);
/// The most descriptors that one message carries (SCM_MAX_FD).
enum { HEADGATE_DESCRIPTORS_MAX = 253 };
/// `sendmsg(2)` of bytes and, where there are any, descriptors (SCM_RIGHTS). To the Unix socket at `path`, whose first
/// byte is `@` for an abstract one; to the peer where `path` is NULL. Never raises SIGPIPE.
ssize_t headgate_send_message(int socket, const char *path, const void *bytes, size_t count,
                              const int *descriptors, size_t descriptor_count);
/// `recvmsg(2)`; the descriptors that came along are close-on-exec. `descriptors` has room for
/// HEADGATE_DESCRIPTORS_MAX.
ssize_t headgate_receive_message(int socket, void *bytes, size_t capacity, int *descriptors,
                                 size_t *descriptor_count);

/// Starts a program whose parent is this process's own parent (CLONE_PARENT of `clone(2)`): the service manager watches
/// it as one that it has started. It has stdin, stdout and stderr, and `descriptor` as `target`. Returns its process id;
/// -1 with errno set, EINVAL for the first process of a namespace. Whoever starts it cannot wait for it.
pid_t headgate_start_sibling(const char *path, char *const arguments[], char *const environment[], int descriptor,
                             int target);

#endif
