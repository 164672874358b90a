"""A measurement as the stream's `Load`: figures with intervals, conditions, and whether they may be used."""

from __future__ import annotations

from collections.abc import Mapping

from clusters.families import end_of
from loadprofiles.engine import intervals, validity
from loadprofiles.engine.histogram import Histogram, merged
from loadprofiles.engine.plan import Measurement, Plan
from loadprofiles.profile import Profile
from reports.model import Interval, Load

QUANTILES = {"p50": 0.50, "p90": 0.90, "p99": 0.99, "p99.9": 0.999}


def load(
    profile: Profile, plan: Plan, measured: Measurement, *, cell: str, started: str, conditions: Mapping[str, str]
) -> Load:
    """The record of one profile's step in one cell."""
    blocks = [Histogram.decode(text) for text in measured.latency]
    whole = merged(blocks)
    told = dict(conditions) | measured.conditions | _conditions(plan, measured)
    latency: dict[str, Interval] = {}
    missing: list[str] = []
    for name, share in QUANTILES.items():
        interval = intervals.of_quantile(blocks, share, plan.seed)
        if interval is None:
            missing.append(name)
        else:
            latency[name] = interval
    if whole.total:
        latency["max"] = Interval(value=whole.largest, low=whole.largest, high=whole.largest)
        told["max"] = "observed, not estimated: it has no interval"
    if missing:
        told["left out"] = f"{', '.join(missing)}: {whole.total} answers are too few to bound them"
    return Load(
        cell=cell,
        profile=plan.name,
        target=profile.target,
        vantage=profile.vantage,
        shape=plan.shape,
        connection=profile.connection,
        started=started,
        seconds=measured.seconds,
        warmup_seconds=plan.warmup_seconds,
        offered_rate=plan.rate,
        users=plan.users,
        requests=measured.requests,
        errors=measured.errors,
        throughput=intervals.of_rate(measured.completions, measured.seconds / len(measured.completions)),
        latency_seconds=latency,
        histogram=whole.encode(),
        send_lag_seconds=_lag(measured),
        void=validity.void(plan, measured),
        conditions=told,
    )


def _lag(measured: Measurement) -> dict[str, float]:
    if not measured.lag:
        return {}
    lag = Histogram.decode(measured.lag)
    return {"p50": lag.quantile(0.5), "p99": lag.quantile(0.99), "max": lag.largest}


def _conditions(plan: Plan, measured: Measurement) -> dict[str, str]:
    told = {
        "address": end_of(plan.address, plan.port),
        "arrivals": plan.arrivals if plan.shape == "arrival-rate" else "closed loop",
        "latency from": "the intended send time" if plan.shape == "arrival-rate" else "the actual send time",
        "seed": str(plan.seed),
        "timeout": f"{plan.timeout_seconds:g} s; latencies are those of answered requests",
        "generator processes": str(measured.processes),
        "generator CPU": f"{measured.cpu_share:.0%} of a core (polls shortly before a request is due)",
        "steal": f"{measured.steal_share:.1%}",
        "connections opened": f"{measured.connections} (warm-up included)",
        "intervals": intervals.METHOD.format(blocks=plan.blocks),
        "validity": validity.RULES,
    }
    if plan.shape == "saturation":
        told["generator CPU"] = f"{measured.cpu_share:.0%} of a core"
    if measured.waited:
        told["waited for a connection"] = f"{measured.waited} requests, all {plan.max_connections} being busy"
    if measured.statuses:
        told["statuses"] = ", ".join(f"{count} × {status}" for status, count in measured.statuses.items())
    return told
