"""What Prometheus sees: metrics.py HOST:PORT TOKEN NAME=VALUE...

Reads /metrics with the parser of prometheus_client, and asserts that each sample has the value. A sample is
named as in the text, such as headgate_requests_total{route="routes[0]",class="2xx"}.
"""

import sys
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

PREFIXES = ("headgate_", "process_")


def main(address, token, *wanted):
    request = urllib.request.Request(f"http://{address}/metrics", headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        kind = answer.headers["Content-Type"]
        assert kind.startswith("text/plain; version=0.0.4"), kind
        families = list(text_string_to_metric_families(answer.read().decode()))
    assert len(families) >= 24, len(families)
    assert len({family.name for family in families}) == len(families), "a family stands there twice"
    samples = {}
    for family in families:
        assert family.name.startswith(PREFIXES), family.name
        assert family.documentation and family.type in ("counter", "gauge", "histogram"), family
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
            name = f"{sample.name}{{{labels}}}" if labels else sample.name
            assert name not in samples, name
            samples[name] = sample.value
    for item in wanted:
        name, value = item.rsplit("=", 1)
        assert samples.get(name) == float(value), (name, samples.get(name), value)
    check_histograms(families)


def check_histograms(families):
    """Buckets grow, and the last one is the count."""
    for family in families:
        if family.type != "histogram":
            continue
        buckets, counts = {}, {}
        for sample in family.samples:
            key = tuple(sorted((name, value) for name, value in sample.labels.items() if name != "le"))
            if sample.name.endswith("_bucket"):
                buckets.setdefault(key, []).append(sample.value)
            elif sample.name.endswith("_count"):
                counts[key] = sample.value
        assert buckets, family.name
        for key, values in buckets.items():
            assert values == sorted(values) and values[-1] == counts[key], (key, values)


main(*sys.argv[1:])
