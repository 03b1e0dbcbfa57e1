"""Rows about the work of a gateway: a key checked, its requests limited, the upstream's key put in."""

import contextlib

from . import contenders, measuring, processes

# Why so many: no single key comes to its limit while the loads run, and each proxy has to find one among them.
KEYS = 1_000
# Requests beyond the limit, of which a bucket that leaks 167 a second meanwhile takes some.
BEYOND = 2_000


def write_keys(bench, count):
    """That many keys, and a file with one a line, as the load takes it."""
    keys = [f"sk-bench-{number:042}" for number in range(count)]
    file = bench.tools.directory / "keys"
    file.write_text("".join(f"{key}\n" for key in keys))
    return keys, file


@contextlib.contextmanager
def gateway(bench, proxy):
    """The proxy, running as a gateway that was seen to refuse what it should; the file with the keys."""
    keys, file = write_keys(bench, bench.scaled(KEYS))
    spare = "sk-bench-spare"
    with proxy.changed(**{"key": keys[0], **proxy.as_gateway([*keys, spare])}):
        proxy.start()
        if not proxy.is_checked:
            check(bench, proxy, spare)
            proxy.is_checked = True
        yield file


def check(bench, proxy, spare):
    """`spare`: a key that no load uses, whose limit is used up."""
    def status(key):
        answer = processes.get(proxy.port, "/", key)
        return answer and answer[0]

    seen = proxy.get("/authorization")
    if seen != (200, f"Bearer {contenders.UPSTREAM_KEY}"):
        raise processes.BenchError(f"{proxy.name}: the upstream is sent {seen}")
    for key in (None, "sk-bench-wrong"):
        if status(key) not in (401, 403):
            raise processes.BenchError(f"{proxy.name}: the key {key} is answered with {status(key)}")
    report = bench.tools.load("http", proxy.port, requests=contenders.GATEWAY_LIMIT + BEYOND, key=spare)
    if not 0 < report["failed"] <= BEYOND:
        raise processes.BenchError(f"{proxy.name}: {report['failed']} of {BEYOND} beyond the limit are refused")


def cpu(bench, proxy):
    with gateway(bench, proxy) as keys:
        return measuring.cpu_per_request(bench, proxy, keys=keys)


def instructions(bench, proxy):
    with gateway(bench, proxy) as keys:
        return measuring.instructions(bench, proxy, keys=keys)


def system_calls(bench, proxy):
    with gateway(bench, proxy) as keys:
        return measuring.system_calls(bench, proxy, keys=keys)
