"""No figure without its interval: 95 % confidence intervals from blocks of time.

Requests that follow each other are not independent (a queue, a stalled core), so the unit that varies is the block of
time, not the request.

- A rate: batch means. Neighbouring blocks in pairs; the pairs' rates have a mean and a standard error; Student's t.
- A quantile: the circular block bootstrap (runs of three neighbouring blocks drawn with replacement, their histograms
  merged, the quantile taken), widened by t / z for the small number of blocks. Few blocks cannot tell how far a tail
  reaches, so the interval also covers the distribution-free one of order statistics (binomial ranks, as if requests
  were independent). Where even that does not exist, because too few requests lie beyond the quantile, there is no
  figure: p99.9 needs about 3,700 requests.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from loadprofiles.engine.histogram import UPPER, Histogram, merged
from reports.model import Interval

CONFIDENCE = 0.95
REPLICATES = 1000
RUN = 3
"""Neighbouring blocks that are drawn together."""
METHOD = (
    "95 %; rates: batch means over pairs of {blocks} time blocks, Student's t; quantiles: circular block bootstrap, "
    f"runs of {RUN} blocks, {REPLICATES} replicates, widened by t/z on the logarithm, never narrower than binomial "
    "order statistics"
)


def of_rate(counts: Sequence[int], block_seconds: float) -> Interval:
    """Events per second, from the counts of at least four equal blocks of time."""
    from scipy import special  # noqa: PLC0415 - a second of import, wanted only at the end of a load

    pairs = np.asarray(counts[: len(counts) // 2 * 2], dtype=np.float64).reshape(-1, 2)
    rates = pairs.mean(axis=1) / block_seconds
    mean = sum(counts) / len(counts) / block_seconds
    reach = float(special.stdtrit(rates.size - 1, (1 + CONFIDENCE) / 2) * rates.std(ddof=1) / np.sqrt(rates.size))
    return Interval(value=mean, low=max(mean - reach, 0.0), high=mean + reach)


def of_quantile(blocks: Sequence[Histogram], share: float, seed: int = 0) -> Interval | None:
    """Seconds at quantile ``share``; ``None`` where the requests are too few to bound it."""
    from scipy import special  # noqa: PLC0415

    whole = merged(blocks)
    total = whole.total
    if not total:
        return None
    tail = (1 - CONFIDENCE) / 2
    low_rank = math.ceil(special.bdtrik(tail, total, share))
    high_rank = math.ceil(special.bdtrik(1 - tail, total, share)) + 1
    if low_rank < 1 or high_rank > total:
        return None
    used = np.flatnonzero(whole.counts)
    values = UPPER[used] / 1e6
    ranks = np.cumsum(whole.counts[used])
    estimate = whole.quantile(share)
    if not estimate:
        return Interval(value=0.0, low=0.0, high=float(values[np.searchsorted(ranks, high_rank)]))
    low = float(values[np.searchsorted(ranks, low_rank)])
    high = float(values[np.searchsorted(ranks, high_rank)])
    if len(blocks) >= 2 * RUN:
        below, above = np.quantile(_replicates(blocks, used, values, share, seed), [tail, 1 - tail])
        widen = float(special.stdtrit(len(blocks) // RUN - 1, 1 - tail) / special.ndtri(1 - tail))
        # Latencies stretch by factors: widened on the logarithm, so that a long tail never reaches below zero.
        low = min(low, estimate * (float(below) / estimate) ** widen)
        high = max(high, estimate * (float(above) / estimate) ** widen)
    return Interval(value=estimate, low=min(low, estimate), high=max(high, estimate))


def _replicates(
    blocks: Sequence[Histogram],
    used: npt.NDArray[np.intp],
    values: npt.NDArray[np.float64],
    share: float,
    seed: int,
) -> npt.NDArray[np.float64]:
    counts = np.stack([block.counts[used] for block in blocks]).astype(np.float64)
    random = np.random.default_rng([seed, len(blocks)])
    found = np.empty(REPLICATES)
    draws = -(-len(blocks) // RUN)
    step = max(1, 4_000_000 // max(used.size, 1))  # bounds the memory of one matrix product
    for start in range(0, REPLICATES, step):
        size = min(step, REPLICATES - start)
        first = random.integers(0, len(blocks), size=(size, draws))
        drawn = np.zeros((size, len(blocks)))
        for neighbour in range(RUN):
            np.add.at(drawn, (np.arange(size)[:, None], (first + neighbour) % len(blocks)), 1)
        ranks = np.cumsum(drawn @ counts, axis=1)
        wanted = np.maximum(np.ceil(share * ranks[:, -1] - 1e-9), 1.0)
        found[start : start + size] = values[np.argmax(ranks >= wanted[:, None], axis=1)]
    return found
