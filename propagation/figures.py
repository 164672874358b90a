"""Quantiles of few samples with their intervals: distribution-free, by order statistics (binomial ranks)."""

from __future__ import annotations

import math
from collections.abc import Sequence

from reports.model import Interval

CONFIDENCE = 0.95
QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}


def quantiles(samples: Sequence[float]) -> dict[str, Interval]:
    """``p50``, ``p90``, ``p99`` and ``max``, in seconds.

    Where the samples are too few to bound a quantile from above, its interval ends at the largest of them, and
    `unbounded` says so.
    """
    ordered = sorted(samples)
    found = {name: quantile(ordered, share) for name, share in QUANTILES.items()}
    return {**found, "max": Interval(value=ordered[-1], low=ordered[-1], high=ordered[-1])}


def quantile(ordered: Sequence[float], share: float) -> Interval:
    low, high = ranks(len(ordered), share)
    value = ordered[min(len(ordered), max(1, math.ceil(share * len(ordered)))) - 1]
    return Interval(value=value, low=ordered[max(0, low - 1)], high=ordered[min(len(ordered), high) - 1])


def ranks(n: int, share: float) -> tuple[int, int]:
    """Ranks (from 1) that hold the quantile between them with at least `CONFIDENCE`; above ``n`` where none does."""
    tail = (1 - CONFIDENCE) / 2
    cumulative, below, low, high = 0.0, 0.0, 0, n + 1
    for rank in range(n + 1):
        below = cumulative
        cumulative += math.comb(n, rank) * share**rank * (1 - share) ** (n - rank)
        if below <= tail < cumulative:
            low = rank
        if below < 1 - tail <= cumulative:
            high = rank + 1
            break
    return low, high


def unbounded(n: int) -> list[str]:
    """Quantiles that so few samples do not bound from above."""
    return [name for name, share in QUANTILES.items() if ranks(n, share)[1] > n]
