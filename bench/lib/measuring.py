"""What several rows have in common."""

import dataclasses
import struct
from typing import Callable

from . import processes


@dataclasses.dataclass
class Row:
    key: str
    title: str
    measure: Callable
    # Decides whether the target is met: see report.py.
    target: tuple | None = None
    # Figures that move from round to round are taken in every round, exact ones once.
    every_round: bool = True
    # Who is measured, where it is not everyone.
    only: tuple = ()
    digits: int = 1


def fresh(bench, proxy, **options):
    """Starts the proxy anew, so that nothing of an earlier row is in its memory."""
    proxy.stop()
    return proxy.start(**options)


def fresh(bench, proxy, **options):
    """Starts the proxy anew, so that nothing of an earlier row is in its memory."""
    proxy.stop()
    return proxy.start(**options)


def per_request_by_difference(bench, proxy, few, many, count, **options):
    """Runs two loads that differ in their number of requests alone: what connections cost cancels."""
    bench.tools.requests(proxy.port, few, connections=16, **options)
    low = count()
    bench.tools.requests(proxy.port, few, connections=16, **options)
    middle = count()
    bench.tools.requests(proxy.port, many, connections=16, **options)
    return (count() - middle - (middle - low)) / (many - few)


def allocations_per_request(bench, proxy, **options):
    counter = proxy.directory / "allocations"
    counter.unlink(missing_ok=True)
    library = bench.tools.directory / "alloccount.so"
    environment = {"LD_PRELOAD": str(library), "ALLOCCOUNT_FILE": str(counter)}
    fresh(bench, proxy, env=environment)

    def count():
        return struct.unpack("<Q", counter.read_bytes()[:8])[0]

    try:
        figure = per_request_by_difference(bench, proxy, 1_000, bench.scaled(20_000), count, **options)
        if count() == 0:
            raise processes.BenchError(f"{proxy.name}: the allocation counter was not loaded")
        return figure
    finally:
        fresh(bench, proxy)
