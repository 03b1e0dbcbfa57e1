"""What several rows have in common."""

import dataclasses
import re
import signal
import struct
import subprocess
import time
from typing import Callable

from . import processes

# Enough work for the clock of /proc, which ticks at 10 ms; `--quick` takes a tenth.
REQUESTS = 40_000


@dataclasses.dataclass
class Row:
    key: str
    title: str
    measure: Callable
    # Decides whether the target is met: see report.py.
    target: tuple | None = None
    # Figures that move from round to round are taken in every round, exact ones once.
    every_round: bool = True
    # Who is measured.
    only: tuple = ("headgate", "nginx", "haproxy")
    digits: int = 1
    # The row is left out where this one does not take part.
    needs: str = ""


def fresh(bench, proxy, **options):
    """Starts the proxy anew, so that nothing of an earlier row is in its memory."""
    proxy.stop()
    return proxy.start(**options)


def cpu_per_request(bench, proxy, **options):
    count = bench.scaled(REQUESTS)
    bench.tools.requests(proxy.port, count // 10, **options)
    before = proxy.cpu_seconds()
    bench.tools.requests(proxy.port, count, **options)
    return (proxy.cpu_seconds() - before) / count * 1e6


def instructions(bench, proxy, **options):
    """User instructions, from two runs under callgrind that differ in their number of requests."""
    few, many = bench.scaled(2_000), bench.scaled(10_000)
    totals = []
    for count in (few, many):
        proxy.stop()
        for old in proxy.directory.glob("callgrind.*"):
            old.unlink()
        wrap = ["valgrind", "--tool=callgrind", "--trace-children=yes", "--quiet",
                f"--callgrind-out-file={proxy.directory}/callgrind.%p"]
        # Why the long pauses: each question that finds it starting up is a request that would be counted.
        proxy.start(wrap=wrap, single=True, seconds=90, pause=0.5)
        bench.tools.requests(proxy.port, 200, connections=16, **options)
        bench.tools.requests(proxy.port, count, connections=16, patience=300, **options)
        proxy.stop()
        total = 0
        for file in proxy.directory.glob("callgrind.*"):
            # A process that forks counts on from what it had; both runs have the same of that.
            found = re.search(r"^(?:totals|summary): (\d+)", file.read_text(), re.MULTILINE)
            total += int(found.group(1)) if found else 0
        totals.append(total)
    proxy.start()
    return (totals[1] - totals[0]) / (many - few)


def worker_instructions(bench, proxy, **options):
    """User instructions per request of the thread that serves them, from two loads in one run of callgrind.

    Why not all threads: control looks at its stores at a pace of its own, whatever the number of requests, and
    callgrind stretches the time for that.
    """
    few, many = bench.scaled(2_000), bench.scaled(10_000)
    for old in proxy.directory.glob("callgrind.*"):
        old.unlink()
    wrap = ["valgrind", "--tool=callgrind", "--separate-threads=yes", "--quiet",
            f"--callgrind-out-file={proxy.directory}/callgrind.%p"]
    proxy.start(wrap=wrap, single=True, seconds=300, pause=0.5)
    try:
        bench.tools.requests(proxy.port, 200, connections=16, **options)
        totals = []
        for count in (few, many):
            callgrind(proxy, "--zero")
            bench.tools.requests(proxy.port, count, connections=16, **options, patience=300)
            callgrind(proxy, "--dump")
            totals.append(instructions_by_thread(proxy, len(totals) + 1))
    finally:
        proxy.stop()
    worker = max(totals[1], key=totals[1].get)
    return (totals[1][worker] - totals[0][worker]) / (many - few)


def callgrind(proxy, what):
    done = subprocess.run(
        ["callgrind_control", what, str(proxy.process.pid)], capture_output=True, text=True, timeout=60)
    if done.returncode != 0 or "OK" not in done.stdout:
        raise processes.BenchError(f"callgrind_control {what}: {done.stdout}{done.stderr}")


def instructions_by_thread(proxy, dump):
    found = {}
    for file in proxy.directory.glob(f"callgrind.{proxy.process.pid}.{dump}-*"):
        total = re.search(r"^totals: (\d+)", file.read_text(), re.MULTILINE)
        found[file.name.rpartition("-")[2]] = int(total.group(1))
    if not found:
        raise processes.BenchError("callgrind has written nothing")
    return found


def per_request_by_difference(bench, proxy, few, many, count, **options):
    """Runs two loads that differ in their number of requests alone: what connections cost cancels."""
    bench.tools.requests(proxy.port, few, connections=16, **options)
    low = count()
    bench.tools.requests(proxy.port, few, connections=16, **options)
    middle = count()
    bench.tools.requests(proxy.port, many, connections=16, **options)
    return (count() - middle - (middle - low)) / (many - few)


def allocations_per_request(bench, proxy, many=None, warm=0, **options):
    """`warm`: requests before anything is counted; `many`: the longer of the two loads."""
    counter = proxy.directory / "allocations"
    counter.unlink(missing_ok=True)
    library = bench.tools.directory / "alloccount.so"
    environment = {"LD_PRELOAD": str(library), "ALLOCCOUNT_FILE": str(counter)}
    fresh(bench, proxy, env=environment)

    def count():
        return struct.unpack("<Q", counter.read_bytes()[:8])[0]

    many = many or bench.scaled(20_000)
    try:
        if warm:
            bench.tools.requests(proxy.port, warm, connections=16, **options)
        figure = per_request_by_difference(bench, proxy, 1_000, many, count, **options)
        if count() == 0:
            raise processes.BenchError(f"{proxy.name}: the allocation counter was not loaded")
        return figure
    finally:
        fresh(bench, proxy)


def system_calls(bench, proxy, **options):
    """Calls of all threads while the requests run, from an attached strace."""
    few, many = 500, bench.scaled(20_000)
    totals = []
    bench.tools.requests(proxy.port, 1_000, connections=16, **options)
    for count in (few, many):
        table = proxy.directory / "strace"
        attach = [option for pid in proxy.pids() for option in ("-p", str(pid))]
        tracer = processes.start(
            ["strace", "-f", "-c", "-o", table, *attach], processes.LOAD_CORE, stderr=subprocess.PIPE,
            text=True)
        line = tracer.stderr.readline()
        if "attached" not in line:
            tracer.wait(5)
            raise processes.BenchError(f"strace cannot attach: {line.strip()}")
        # The first line names the first process; the others follow at once.
        time.sleep(0.3)
        bench.tools.requests(proxy.port, count, connections=16, **options)
        processes.stop(tracer, signal.SIGINT)
        lines = [line.split() for line in table.read_text().splitlines()]
        totals.append(sum(int(words[3]) for words in lines if len(words) >= 5 and words[3].isdigit()
                          and words[-1] != "total"))
    return (totals[1] - totals[0]) / (many - few)
