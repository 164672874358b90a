"""When requests are due: seconds since the start, worked out before the first one is sent.

The schedule never looks at the answers, so a server that stalls meets the same requests as one that does not.

Poisson arrivals are drawn conditioned on their count per `STRATUM`: within each, the given number of independent
uniform times, sorted. That is a Poisson process whose count is known, so the offered rate is exact and two runs of
different seeds offer the same load, while gaps stay exponential.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

Arrivals = Literal["constant", "poisson"]

STRATUM = 1.0
"""Seconds in which a Poisson schedule keeps its count."""


def due_times(
    arrivals: Arrivals,
    *,
    rate: float,
    seconds: float,
    warmup: float = 0.0,
    seed: int = 0,
    stream: int = 0,
    streams: int = 1,
) -> npt.NDArray[np.float64]:
    """Due times of one stream of ``streams``: ascending seconds in ``[0, warmup + seconds)``.

    The streams together make exactly ``round(rate * seconds)`` requests after the warm-up. Constant streams interleave
    evenly; Poisson streams are independent, each drawn from ``(seed, stream)``.
    """
    if arrivals == "constant":
        first = -int(np.floor(warmup * rate))
        numbers = np.arange(first, round(rate * seconds), dtype=np.int64)
        constant: npt.NDArray[np.float64] = warmup + numbers[numbers % streams == stream] / rate
        return constant
    random = np.random.default_rng([seed, stream])
    edges = np.concatenate([np.arange(-warmup, 0.0, STRATUM), np.arange(0.0, seconds, STRATUM), [seconds]])
    # Hermite's identity: the streams' counts add up to round(rate * time), whatever the number of streams.
    counts = np.diff(np.floor(edges * (rate / streams) + (stream + 0.5) / streams).astype(np.int64))
    parts = [
        np.sort(random.uniform(low, high, count))
        for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True)
    ]
    return warmup + np.concatenate(parts)
