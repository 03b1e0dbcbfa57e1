"""Turns rounds of figures into one table with ratios, targets and verdicts."""

import statistics

# A ratio of CPU times counts as missed only if both the ratio of medians and that of the best rounds miss the
# target by more than this: the same proxy against itself moves that much on a shared machine.
CPU_TOLERANCE = 1.10


def summary(rounds):
    """`rounds`: the figures of each proxy. Returns the median, least and greatest of each."""
    return {
        name: {"median": statistics.median(figures), "least": min(figures), "greatest": max(figures)}
        for name, figures in rounds.items() if figures
    }


def ratio(row, found):
    """headgate's cost over that of the better peer, by medians and by best rounds; None without both."""
    kind = row.target[0] if row.target else "cpu"
    peers = [found[name] for name in ("nginx", "haproxy") if name in found]
    if kind in ("nginx", "rate-nginx"):
        peers = [found["nginx"]] if "nginx" in found else []
    if kind == "envoy":
        peers = [found["envoy"]] if "envoy" in found else []
    ours = found.get("headgate")
    if not ours or not peers:
        return None
    if kind.startswith("rate"):
        # GB per CPU second: more is better, so the cost is its inverse.
        if not ours["median"]:
            return None
        return (max(peer["median"] for peer in peers) / ours["median"],
                max(peer["greatest"] for peer in peers) / ours["greatest"])
    median, least = min(peer["median"] for peer in peers), min(peer["least"] for peer in peers)
    return (ours["median"] / median, ours["least"] / least) if median > 0 and least > 0 else None


def verdict(row, found):
    """The target in words and whether it is met; None where there is no target or no figure."""
    if not row.target:
        return "", None
    kind, bound = row.target
    whose = {
        "cpu": "× better peer", "nginx": "× nginx", "envoy": "× Envoy",
        "rate": "× better peer's cost", "rate-nginx": "× nginx's cost",
    }
    if kind == "most":
        text = "0" if bound < 0.01 else f"≤ {bound:g}"
        return text, found["headgate"]["median"] <= bound if "headgate" in found else None
    text = f"≤ {bound:g} {whose[kind]}"
    ratios = ratio(row, found)
    if ratios is None:
        return text, None
    tolerance = 1.0 if kind == "nginx" else CPU_TOLERANCE
    return text, not all(one > bound * tolerance for one in ratios)


def usable(rounds):
    """Without those that failed, for which a text says why."""
    return summary({name: figures for name, figures in rounds.items() if isinstance(figures, list)})


def misses(rows, results):
    """The keys of the rows whose target is missed."""
    return [row.key for row in rows if verdict(row, usable(results[row.key]))[1] is False]


def table(rows, results, names):
    """`results`: row key → proxy → figures of its rounds, or a text that says why there are none."""
    names = [name for name in names if any(name in results[row.key] for row in rows)]
    lines = [["", *names, "ratio", "(best)", "target", ""]]
    for row in rows:
        rounds = results[row.key]
        found = usable(rounds)
        cells = [row.title]
        for name in names:
            if name in found:
                cells.append(f"{found[name]['median']:,.{row.digits}f}")
            else:
                cells.append("failed" if isinstance(rounds.get(name), str) else "–")
        ratios = ratio(row, found)
        text, met = verdict(row, found)
        cells += [f"{one:.2f}" for one in ratios] if ratios else ["–", "–"]
        failed = isinstance(rounds.get("headgate"), str)
        cells += [text, "failed" if failed else "" if met is None else "met" if met else "MISSED"]
        lines.append(cells)
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    first, *others = widths
    texts = []
    for cells in lines:
        aligned = [cells[0].ljust(first)] + [cell.rjust(width) for cell, width in zip(cells[1:], others)]
        texts.append("  ".join(aligned).rstrip())
    texts.insert(1, "─" * len(texts[0]))
    return "\n".join(texts)
