"""Rows about what it costs to choose the upstream by the model. Only headgate is measured."""

from . import measuring

BODY = 1024
# Two upstreams, so that the body decides; the names that are no pattern are found first, as most are.
MODELS = """\
models: { mock: bench, "gpt-*": other, "*": bench }
"""
OTHER = """\
  other: http://127.0.0.1:9
"""


def instructions(bench, proxy, **attributes):
    with proxy.changed(**attributes):
        return measuring.worker_instructions(bench, proxy, body=BODY)


def added_instructions(bench, proxy):
    """A chat body of 1 KiB that is looked into for its model, less the same body on a route with one upstream."""
    chosen = instructions(bench, proxy, sections=MODELS, upstreams=OTHER, to="models")
    return chosen - instructions(bench, proxy)


def allocations(bench, proxy):
    with proxy.changed(sections=MODELS, upstreams=OTHER, to="models"):
        return measuring.allocations_per_request(bench, proxy, many=20_000, warm=20_000, body=BODY)
