"""Intervals: they hold the truth as often as they say, and a naive one does not."""

from __future__ import annotations

import numpy as np
import pytest

from loadprofiles.engine import intervals
from loadprofiles.engine.histogram import Histogram

BLOCKS, PER_BLOCK, TRIES = 32, 160, 40


def correlated(random: np.random.Generator, size: int, rho: float) -> np.ndarray:
    """A slow wave (AR 1) with variance 1."""
    noise = random.normal(size=size)
    wave = np.empty(size)
    wave[0] = noise[0]
    for index in range(1, size):
        wave[index] = rho * wave[index - 1] + np.sqrt(1 - rho * rho) * noise[index]
    return wave


def latencies(random: np.random.Generator, rho: float) -> np.ndarray:
    """Exponential service under a load that comes and goes, a row per block."""
    load = np.repeat(np.exp(0.3 * correlated(random, BLOCKS * 8, rho)), PER_BLOCK // 8)
    return (0.001 * random.exponential(size=load.size) * load).reshape(BLOCKS, PER_BLOCK)


def histograms(rows: np.ndarray) -> list[Histogram]:
    blocks = [Histogram() for _ in rows]
    for block, row in zip(blocks, rows, strict=True):
        block.record(row)
    return blocks


@pytest.mark.parametrize(("share", "rho"), [(0.5, 0.8), (0.99, 0.5), (0.999, 0.5)])
def test_a_quantile_s_interval_covers_the_truth(share: float, rho: float) -> None:
    random = np.random.default_rng(11)
    truth = np.quantile(random.exponential(size=300_000) * np.exp(0.3 * random.normal(size=300_000)), share) * 0.001
    found = [intervals.of_quantile(histograms(latencies(random, rho)), share, seed) for seed in range(TRIES)]
    covered = sum(interval is not None and interval.low <= truth <= interval.high for interval in found)
    assert covered >= 0.88 * TRIES
    assert np.mean([interval.high - interval.low for interval in found if interval]) < truth  # says something


def test_a_rate_s_interval_covers_the_truth_where_a_naive_one_does_not() -> None:
    random = np.random.default_rng(12)
    covered = naive = 0
    for _ in range(200):
        rates = 1000 + 60 * correlated(random, BLOCKS, 0.5)
        counts = [int(count) for count in random.poisson(rates * 0.2)]
        interval = intervals.of_rate(counts, 0.2)
        covered += interval.low <= 1000 <= interval.high
        poisson_only = 1.96 * np.sqrt(sum(counts)) / (0.2 * BLOCKS)
        naive += abs(interval.value - 1000) <= poisson_only
    assert covered >= 170
    assert naive < 160


def test_too_few_requests_give_no_figure() -> None:
    blocks = histograms(np.full((BLOCKS, 50), 0.001))
    assert intervals.of_quantile(blocks, 0.999) is None
    assert intervals.of_quantile(blocks, 0.99) is not None
    assert intervals.of_quantile(histograms(np.empty((BLOCKS, 0))), 0.5) is None


def test_an_interval_is_seeded_and_holds_its_value() -> None:
    blocks = histograms(latencies(np.random.default_rng(1), 0.5))
    first, again = (intervals.of_quantile(blocks, 0.99, seed=4) for _ in range(2))
    assert first == again
    assert first is not None
    assert first.low <= first.value <= first.high
