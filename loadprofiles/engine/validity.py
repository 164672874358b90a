"""When figures may not be used: rules that are stated before the load, not found after it."""

from __future__ import annotations

from loadprofiles.engine.histogram import Histogram, merged
from loadprofiles.engine.kinds import OURS
from loadprofiles.engine.plan import Measurement, Plan

LAG_SHARE = 0.10
LAG_P99 = 0.001
CPU_SHARE = 0.95
STEAL_SHARE = 0.05
START_SHARE = 0.10

RULES = (
    "void when the generator failed a request by itself; "
    f"when send lag exceeds {LAG_SHARE:.0%} of the latency at p50; "
    f"when at p99 it exceeds both {LAG_P99 * 1000:g} ms and {LAG_SHARE:.0%} of the latency; "
    f"when a saturating generator used {CPU_SHARE:.0%} of a core or more; "
    f"when more than {STEAL_SHARE:.0%} of the machine's CPU time was stolen; "
    "when any of this holds of a single worker; when a worker was lost; "
    f"when workers started further apart than {START_SHARE:.0%} of the measured time"
)


def void(plan: Plan, measured: Measurement) -> str:
    """Why the figures may not be used; empty when they may."""
    if measured.trouble:
        return measured.trouble
    if measured.begun_total != measured.ended_total or measured.requests != measured.answered + sum(
        measured.errors.values()
    ):
        return f"{measured.begun_total} requests were begun and {measured.ended_total} ended: the generator lost count"
    if own := {kind: count for kind, count in measured.errors.items() if kind in OURS}:
        told = ", ".join(f"{count} × {kind}" for kind, count in own.items())
        return f"the generator itself failed requests: {told}"
    if measured.steal_share > STEAL_SHARE:
        return f"{measured.steal_share:.0%} of the machine's CPU time was stolen by its host"
    if plan.shape == "saturation" and measured.cpu_share >= CPU_SHARE:
        return f"the generator used {measured.cpu_share:.0%} of a core: it may be what was saturated"
    return _apart(plan, measured) or _lagged(measured) or measured.doubt


def _apart(plan: Plan, measured: Measurement) -> str:
    if measured.start_spread <= START_SHARE * plan.seconds:
        return ""
    return f"the workers started {measured.start_spread:.3f} s apart, in a load of {plan.seconds:g} s"


def _lagged(measured: Measurement) -> str:
    if not measured.lag or not measured.answered:
        return ""
    lag = Histogram.decode(measured.lag)
    latency = merged(Histogram.decode(block) for block in measured.latency)
    middle, tail = lag.quantile(0.5), lag.quantile(0.99)
    if middle > LAG_SHARE * latency.quantile(0.5):
        return (
            f"the generator lagged: median send lag {middle * 1e6:.0f} µs is more than {LAG_SHARE:.0%} of the "
            f"median latency, {latency.quantile(0.5) * 1e6:.0f} µs"
        )
    if tail > LAG_P99 and tail > LAG_SHARE * latency.quantile(0.99):
        return (
            f"the generator lagged: p99 send lag {tail * 1e3:.1f} ms is more than {LAG_P99 * 1000:g} ms and more than "
            f"{LAG_SHARE:.0%} of the p99 latency, {latency.quantile(0.99) * 1e3:.1f} ms"
        )
    return ""
