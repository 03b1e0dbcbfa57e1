"""What /proc tells about a process and its children, and how the bench starts and ends its own."""

import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import time

# The first core is the proxy's, the last one the load's; with a single core they share it.
_CORES = sorted(os.sched_getaffinity(0))
PROXY_CORE, LOAD_CORE = _CORES[0], _CORES[-1]
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


class BenchError(Exception):
    """Something that makes a figure worthless; the message says what."""


def use_all_cores():
    """For tests rather than measurements: nothing is pinned."""
    global PROXY_CORE, LOAD_CORE
    PROXY_CORE = LOAD_CORE = None


@contextlib.contextmanager
def pinned(core):
    """Children started within inherit the core, with no `taskset` between that would cost a start time."""
    if core is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def start(command, core, **options):
    with pinned(core):
        return subprocess.Popen([str(part) for part in command], **options)


def stop(process, how=signal.SIGTERM, seconds=10):
    """Ends a process that the bench started; kills it if it does not end by itself."""
    if process.poll() is not None:
        return
    process.send_signal(how)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise BenchError(f"{process.args[0]} did not end within {seconds} s of signal {how}")


def tree(root):
    """The process and all its descendants."""
    children = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(entry.name))
    found, queue = [], [root]
    while queue:
        pid = queue.pop()
        found.append(pid)
        queue += children.get(pid, [])
    return found


def cpu_seconds(pids):
    """User and system time of all threads."""
    ticks = 0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS_PER_SECOND


def exact_cpu_seconds(pids):
    """The same to the nanosecond, of the threads that still run."""
    return sum(
        int(file.read_text().split()[0])
        for pid in pids for file in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


def pss_kib(pids):
    """Proportional set size: memory shared among the processes counts once."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
    return total


def descriptor_count(pids):
    return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in pids)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(port, path, key=None, timeout=2):
    """One GET on a connection of its own: status and body, or None where nothing listens or answers."""
    credential = f"Authorization: Bearer {key}\r\n" if key else ""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout) as connection:
            connection.sendall(
                f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{credential}"
                "Connection: close\r\n\r\n".encode())
            answer = b""
            while piece := connection.recv(65536):
                answer += piece
    except OSError:
        return None
    head, _, body = answer.partition(b"\r\n\r\n")
    words = head.split(b" ", 2)
    return (int(words[1]), body.decode()) if len(words) > 1 else None


def wait_for(condition, seconds, what, pause=0.0):
    """Polls until the condition holds; returns the seconds it took."""
    begin = time.monotonic()
    while not condition():
        if time.monotonic() - begin > seconds:
            raise BenchError(f"{what}: not within {seconds} s")
        time.sleep(pause)
    return time.monotonic() - begin
