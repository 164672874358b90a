"""From several workers' measurements to the one of them all, with what speaks against it.

The sum says nothing of a single worker: one in four that sends late hides in the middle of all send lags. So each part
is judged by the rules of the whole as well, and each is told with its machine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import msgspec

from loadprofiles.engine import measurement, validity
from loadprofiles.engine.clock import Clock
from loadprofiles.engine.histogram import Histogram
from loadprofiles.engine.plan import Measurement, Plan


def gather(plan: Plan, parts: Mapping[str, Measurement], clocks: Mapping[str, Clock], trouble: str = "") -> Measurement:
    """One measurement of all ``parts``, by worker; ``trouble`` is what the master knows against it."""
    whole = measurement.merge(list(parts.values()))
    starts = {name: part.started - (clocks[name].ahead if name in clocks else 0.0) for name, part in parts.items()}
    first, last = min(starts.values()), max(starts.values())
    reach = max((clock.reach for clock in clocks.values()), default=0.0)
    conditions = dict(whole.conditions)
    if len(parts) > 1:
        conditions["workers started"] = f"within {(last - first) * 1e3:.2f} ms, known to ±{reach * 1e3:.2f} ms"
    if plan.processes:
        for number, (name, part) in enumerate(parts.items(), 1):
            conditions[f"worker {number}"] = _told(name, part, starts[name] - first)
    return msgspec.structs.replace(
        whole,
        conditions=conditions,
        start_spread=last - first,
        trouble=trouble or whole.trouble or _not_whole(plan, whole),
        doubt="; ".join(f"{name}: {why}" for name, part in parts.items() if (why := validity.void(plan, part))),
    )


def _not_whole(plan: Plan, whole: Measurement) -> str:
    """Why the parts are not the plan's load, sent exactly once."""
    counts = Counter(whole.users)
    if wrong := [f"user {user} {counts[user]} times" for user in range(plan.users) if counts[user] != 1]:
        return f"the workers did not share the load: {', '.join(wrong[:3])}"
    planned = round(plan.rate * plan.seconds)
    if plan.shape == "arrival-rate" and whole.requests != planned:
        return f"{planned} requests were planned and {whole.requests} are in the figures"
    return ""


def _told(name: str, part: Measurement, start: float) -> str:
    words = [
        name,
        f"{part.requests} requests",
        f"CPU {part.cpu_share:.0%} of a core",
        f"steal {part.steal_share:.1%}",
        f"started {start * 1e3:.2f} ms after the first",
        *(f"{word} {part.conditions[word]}" for word in ("kernel", "cores", "scheduling") if word in part.conditions),
    ]
    if part.lag:
        words.insert(2, f"send lag p99 {Histogram.decode(part.lag).quantile(0.99) * 1e6:.0f} µs")
    return ", ".join(words)
