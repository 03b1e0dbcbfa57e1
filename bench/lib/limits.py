"""Rows about what limits cost: instructions, allocations, memory. Only headgate is measured."""

from . import measuring, processes
from .gateway import write_keys

# Why several: each may make 10,000 requests a minute, and a load makes more.
KEYS = 8
LIMITS = """\
limits:
  each: { by: key, requests_per_minute: 10000, tokens_per_hour: 1000000000, default_reserve: 100 }
"""
POLICY = ", limits: each"
WITHOUT_FIELDS = POLICY + ", rate_limit_headers: none"
ADDRESSES, WARM_ADDRESSES = 1_000_000, 2_000
ADDRESS_LIMIT = """\
trusted_proxies: [127.0.0.1]
limits:
  address: { by: ip, requests_per_minute: 20 }
"""
# Answered by headgate itself, so that a million requests take less than the minute that they count for.
ADDRESS_ROUTE = """\
  - { path: /limited, auth: callers, limits: address, respond: { status: 200, text: "1" } }
"""
WINDOW_SECONDS = 60


def instructions(bench, proxy, policy):
    keys, file = write_keys(bench, KEYS)
    with proxy.changed(**proxy.let_in(keys), sections=LIMITS, policy=policy):
        return measuring.worker_instructions(bench, proxy, keys=file)


def added_instructions(bench, proxy):
    """A limit on requests and one on tokens, less the same keys on the same route without limits."""
    return instructions(bench, proxy, POLICY) - instructions(bench, proxy, "")


def fields_instructions(bench, proxy):
    """The same limits, less them without fields in the answer that tell of them."""
    return instructions(bench, proxy, POLICY) - instructions(bench, proxy, WITHOUT_FIELDS)


def allocations(bench, proxy):
    """In the steady state: the times that a key's requests are held by have grown to what the loads need."""
    keys, file = write_keys(bench, KEYS)
    with proxy.changed(**proxy.let_in(keys), sections=LIMITS, policy=POLICY):
        return measuring.allocations_per_request(bench, proxy, many=20_000, warm=20_000, keys=file)


def memory_per_address(bench, proxy):
    """Proportional set size with so many clients less that with few, over their number."""
    count = bench.scaled(ADDRESSES)
    options = {"method": "GET", "path": "/limited", "expect": 1, "addresses": True}
    with proxy.changed(sections=ADDRESS_LIMIT, routes=ADDRESS_ROUTE):
        proxy.start()
        bench.tools.requests(proxy.port, WARM_ADDRESSES, **options)
        before = proxy.pss_kib()
        report = bench.tools.requests(proxy.port, count, **options)
        if report["seconds"] >= WINDOW_SECONDS:
            raise processes.BenchError(f"the first addresses are forgotten after {report['seconds']:.0f} s")
        return (proxy.pss_kib() - before) * 1024 / (count - WARM_ADDRESSES)
