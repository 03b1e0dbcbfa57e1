"""What is measured: one function a row, which takes the bench and a proxy and returns a figure."""

import time

from . import callers, gateway, limits, measuring, processes, routing
from .measuring import Row, fresh

# Enough work for the clock of /proc; `--quick` takes a tenth.
STREAMS, BODIES, CONNECTIONS = 1_000, 20, 2_000
BODY_BYTES = 100 << 20
FIXED_RATE = 2_000


# CPU ---------------------------------------------------------------------------------------------------

def cpu_per_get(bench, proxy):
    return measuring.cpu_per_request(bench, proxy, method="GET", path="/v1/models")


def cpu_per_event(bench, proxy):
    held = bench.tools.hold("stream", proxy.port, streams=bench.scaled(STREAMS), rate=20)
    try:
        held.watch(0.5)
        before = proxy.cpu_seconds()
        events = held.watch(2 if bench.quick else 5)
        return (proxy.cpu_seconds() - before) / events * 1e6
    finally:
        held.end()


def gigabytes_per_cpu_second(bench, proxy, direction):
    count = bench.scaled(BODIES)
    before = proxy.cpu_seconds()
    report = bench.tools.load("body", proxy.port, direction=direction, bytes=BODY_BYTES, count=count)
    used = proxy.cpu_seconds() - before
    if report["wrong"]:
        raise processes.BenchError(f"{report['wrong']} of {count} bodies are wrong ({direction})")
    return report["bytes"] / 1e9 / max(used, 0.01)


def body_down(bench, proxy):
    return gigabytes_per_cpu_second(bench, proxy, "down")


def body_up(bench, proxy):
    return gigabytes_per_cpu_second(bench, proxy, "up")


# Memory ------------------------------------------------------------------------------------------------

def memory_per(bench, proxy, mode, **options):
    fresh(bench, proxy)
    # What a proxy allocates once, for its first requests, is not what a connection costs.
    bench.tools.requests(proxy.port, 2_000)
    warm = bench.tools.hold(mode, proxy.port, **{**options, next(iter(options)): 20})
    time.sleep(0.3)
    warm.end()
    before = proxy.pss_kib()
    held = bench.tools.hold(mode, proxy.port, **options)
    try:
        time.sleep(1)
        return (proxy.pss_kib() - before) / next(iter(options.values()))
    finally:
        held.end()


def memory_per_idle(bench, proxy):
    return memory_per(bench, proxy, "idle", connections=bench.scaled(CONNECTIONS))


def memory_per_stream(bench, proxy):
    return memory_per(bench, proxy, "stream", streams=bench.scaled(CONNECTIONS), rate=2)


def memory_idle(bench, proxy):
    fresh(bench, proxy)
    time.sleep(0.3)
    return proxy.pss_kib() / 1024


# Time --------------------------------------------------------------------------------------------------

def latency(quantile):
    def measure(bench, proxy):
        report = bench.tools.load("http", proxy.port, rate=FIXED_RATE, seconds=1 if bench.quick else 3)
        if report["failed"] or report["refused"]:
            raise processes.BenchError(f"{proxy.name}: requests failed: {report}")
        return report[quantile]
    return measure


def start_time(bench, proxy):
    return fresh(bench, proxy, pause=0) * 1e3


def until_new_answer(proxy, act):
    proxy.write_config(proxy.generation + 1)
    begin = time.monotonic()
    act()
    processes.wait_for(lambda: proxy.shows(proxy.generation), 10, f"{proxy.name} shows the new generation")
    return (time.monotonic() - begin) * 1e3


def reload_by_signal(bench, proxy):
    took = until_new_answer(proxy, lambda: proxy.process.send_signal(proxy.reload_signal))
    # nginx and HAProxy answer with both generations for a while.
    time.sleep(0.2)
    return took


def reload_by_command(bench, proxy):
    """From the start of the command to its end, when every worker serves the new generation."""
    proxy.write_config(proxy.generation + 1)
    begin = time.monotonic()
    done = proxy.run_verb("reload")
    took = (time.monotonic() - begin) * 1e3
    if done.returncode != 0 or not proxy.shows(proxy.generation):
        raise processes.BenchError(f"reload failed: {done.stdout}{done.stderr}")
    return took


def reload_by_file(bench, proxy):
    return until_new_answer(proxy, lambda: None)


def reload_with_https(bench, proxy):
    proxy.idle_https_upstreams = 50
    try:
        # The first one also loads the system's certificates, which every later generation shares.
        reload_by_command(bench, proxy)
        return reload_by_command(bench, proxy)
    finally:
        proxy.idle_https_upstreams = 0
        reload_by_command(bench, proxy)


HEADGATE, WITH_ENVOY = ("headgate",), ("headgate", "envoy")
ROWS = [
    Row("cpu-post", "small POST, CPU µs/request", measuring.cpu_per_request, ("cpu", 0.88)),
    Row("cpu-get", "small GET, CPU µs/request", cpu_per_get),
    Row("instructions", "user instructions/request", measuring.instructions, ("nginx", 0.5), every_round=False,
        digits=0),
    Row("allocations", "heap allocations/request", measuring.allocations_per_request, ("most", 0.005),
        every_round=False, digits=3),
    Row("syscalls", "system calls/request", measuring.system_calls, ("most", 5), every_round=False, digits=2),
    Row("gateway", "gateway POST: key, limit, upstream's key; CPU µs/request", gateway.cpu, ("cpu", 0.8)),
    Row("gateway-envoy", "the same beside Envoy", gateway.cpu, ("envoy", 0.3), only=WITH_ENVOY, needs="envoy"),
    Row("gateway-instructions", "the same, user instructions/request", gateway.instructions, ("nginx", 0.5),
        every_round=False, digits=0),
    Row("gateway-syscalls", "the same, system calls/request", gateway.system_calls, ("most", 5),
        every_round=False, digits=2),
    Row("limits", "added by a request and a token limit, user instructions", limits.added_instructions,
        ("most", 1_500), every_round=False, only=HEADGATE, digits=0),
    Row("limits-fields", "of these by the fields that tell of limits", limits.fields_instructions,
        every_round=False, only=HEADGATE, digits=0),
    Row("limits-allocations", "heap allocations/request with them", limits.allocations, ("most", 0.005),
        every_round=False, only=HEADGATE, digits=3),
    Row("limit-memory", "memory of a million clients with a limit each, bytes/client",
        limits.memory_per_address, ("most", 200), every_round=False, only=HEADGATE, digits=0),
    Row("models", "added by a choice by model, chat of 1 KiB, user instructions", routing.added_instructions,
        ("most", 3_000), every_round=False, only=HEADGATE, digits=0),
    Row("models-allocations", "heap allocations/request with it", routing.allocations, ("most", 0.005),
        every_round=False, only=HEADGATE, digits=3),
    Row("memory-idle", "KiB/idle connection", memory_per_idle, ("most", 1), digits=2),
    Row("memory-stream", "KiB/open SSE stream", memory_per_stream, ("most", 1), digits=2),
    Row("cpu-event", "SSE, 1,000 × 20/s, CPU µs/event", cpu_per_event, ("cpu", 0.95)),
    Row("body-down", "100 MiB down, GB/CPU second", body_down, ("rate-nginx", 1.0), digits=2),
    Row("body-up", "100 MiB up, GB/CPU second", body_up, ("rate", 0.8), digits=2),
    Row("p50", f"p50 at {FIXED_RATE}/s, µs", latency("p50_us"), digits=0),
    Row("p99", f"p99 at {FIXED_RATE}/s, µs", latency("p99_us"), digits=0),
    Row("start", "start → first answer, ms", start_time, ("most", 17)),
    Row("memory", "idle, MiB (PSS)", memory_idle, ("most", 12), every_round=False),
    Row("reload-signal", "signal → first new answer, ms", reload_by_signal, ("most", 3)),
    Row("reload-command", "`headgate reload`, its own start included, ms", reload_by_command, only=HEADGATE),
    Row("reload-https", "the same with 50 https upstreams, ms", reload_with_https, only=HEADGATE),
    Row("reload-file", "file saved → first new answer, ms", reload_by_file, ("most", 60), only=HEADGATE),
    Row("key-short", "added by a key of 55 bytes among 100,000, user instructions", callers.key_short,
        ("most", 3_500), every_round=False, only=HEADGATE, digits=0),
    Row("key-long", "added by a key of 67 bytes, the same", callers.key_long, ("most", 5_500),
        every_round=False, only=HEADGATE, digits=0),
    # Why not 0: control writes uses back once a second, and allocates for that.
    Row("key-allocations", "heap allocations/request with a key", callers.key_allocations, ("most", 0.05),
        every_round=False, only=HEADGATE, digits=3),
    Row("key-memory", "memory of 100,000 keys, bytes/key", callers.key_memory, ("most", 200),
        every_round=False, only=HEADGATE, digits=0),
    Row("revocation", "end of `headgate apikey revoke` → first 401, ms", callers.revocation,
        ("most", 1_000), only=HEADGATE),
    Row("jwt", "added by a verified JWT, user instructions", callers.jwt_known, every_round=False,
        only=HEADGATE, digits=0),
    Row("jwt-hs256", "first sight of a JWT by HS256, CPU µs", callers.jwt_first("HS256"), every_round=False,
        only=HEADGATE),
    Row("jwt-rs256", "the same by RS256", callers.jwt_first("RS256"), every_round=False, only=HEADGATE),
    Row("jwt-es256", "the same by ES256", callers.jwt_first("ES256"), every_round=False, only=HEADGATE),
]
