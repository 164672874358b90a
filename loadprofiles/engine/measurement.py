"""From a finished loop to a `Measurement`, and from several to one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from loadprofiles.engine.histogram import Histogram, merged
from loadprofiles.engine.loop import Loop
from loadprofiles.engine.plan import Measurement


def of(loop: Loop, conditions: dict[str, str], users: Sequence[int] = ()) -> Measurement:
    """What this process measured, having been these of the plan's ``users``."""
    plan, recorder = loop.plan, loop.recorder
    ended = recorder.answered_total + recorder.failed_total
    answered, errors = recorder.answered, dict(sorted(recorder.errors.items()))
    trouble = loop.cut
    if ended != loop.begun:
        trouble = f"{loop.begun} requests were begun and {ended} ended: the generator lost count"
    elif not trouble and (due := loop.due_in_window()) is not None and due != answered + sum(errors.values()):
        trouble = f"{due} requests were due and {answered + sum(errors.values())} are in the figures"
    return Measurement(
        seconds=plan.seconds,
        requests=answered + sum(errors.values()),
        answered=answered,
        errors=errors,
        statuses=dict(sorted(recorder.statuses.items())),
        latency=[histogram.encode() for histogram in recorder.latencies()],
        completions=[int(count) for count in recorder.completions],
        lag=recorder.lags.encode() if plan.shape == "arrival-rate" else "",
        waited=loop.waited,
        begun_total=loop.begun,
        ended_total=ended,
        connections=loop.opened,
        cpu_share=loop.meter.cpu_share,
        steal_share=loop.meter.steal_share,
        users=list(users),
        started=recorder.begin - plan.warmup_seconds,
        conditions=conditions,
        trouble=trouble,
    )


def merge(parts: Sequence[Measurement]) -> Measurement:
    """What several processes measured at the same time, as if one had: histograms added, counts summed."""
    first = parts[0]
    if len(parts) == 1:
        return first
    errors: Counter[str] = Counter()
    statuses: Counter[str] = Counter()
    for part in parts:
        errors.update(part.errors)
        statuses.update(part.statuses)
    blocks = zip(*(part.latency for part in parts), strict=True)
    return Measurement(
        processes=sum(part.processes for part in parts),
        seconds=first.seconds,
        requests=sum(part.requests for part in parts),
        answered=sum(part.answered for part in parts),
        errors=dict(sorted(errors.items())),
        statuses=dict(sorted(statuses.items())),
        latency=[merged(map(Histogram.decode, block)).encode() for block in blocks],
        completions=[sum(counts) for counts in zip(*(part.completions for part in parts), strict=True)],
        lag=merged(Histogram.decode(part.lag) for part in parts).encode() if first.lag else "",
        waited=sum(part.waited for part in parts),
        begun_total=sum(part.begun_total for part in parts),
        ended_total=sum(part.ended_total for part in parts),
        connections=sum(part.connections for part in parts),
        cpu_share=max(part.cpu_share for part in parts),
        steal_share=max(part.steal_share for part in parts),
        users=sorted(user for part in parts for user in part.users),
        conditions={name: _all_told(name, parts) for part in parts for name in part.conditions},
        trouble="; ".join(sorted({part.trouble for part in parts if part.trouble})),
    )


def _all_told(name: str, parts: Sequence[Measurement]) -> str:
    return "; ".join(dict.fromkeys(part.conditions[name] for part in parts if name in part.conditions))
