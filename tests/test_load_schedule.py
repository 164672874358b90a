"""The schedule: exact, seeded, and blind to the answers."""

from __future__ import annotations

import numpy as np
import pytest

from loadprofiles.engine.schedule import due_times


def test_constant_arrivals_are_equally_spaced() -> None:
    due = due_times("constant", rate=250, seconds=2)
    assert due.size == 500
    np.testing.assert_allclose(np.diff(due), 1 / 250, atol=1e-12)
    assert due[0] == 0.0


@pytest.mark.parametrize("arrivals", ["constant", "poisson"])
@pytest.mark.parametrize("streams", [1, 3, 7])
def test_streams_together_make_the_rate_exactly(arrivals: str, streams: int) -> None:
    parts = [
        due_times(arrivals, rate=1001, seconds=3.3, warmup=0.7, seed=5, stream=stream, streams=streams)  # type: ignore[arg-type]
        for stream in range(streams)
    ]
    together = np.sort(np.concatenate(parts))
    assert ((together >= 0.7) & (together < 4.0)).sum() == round(1001 * 3.3)
    assert abs(together.size - 1001 * 4.0) <= 1
    assert together[0] >= 0
    assert together[-1] < 4.0


def test_constant_streams_interleave_evenly() -> None:
    together = np.sort(
        np.concatenate([due_times("constant", rate=100, seconds=1, stream=i, streams=4) for i in range(4)])
    )
    np.testing.assert_allclose(together, due_times("constant", rate=100, seconds=1))


def test_a_seed_gives_the_same_schedule_and_another_seed_another() -> None:
    first, again, other = (due_times("poisson", rate=500, seconds=4, seed=seed) for seed in (7, 7, 8))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert first.size == other.size == 2000


def test_streams_of_one_seed_differ() -> None:
    first, second = (due_times("poisson", rate=500, seconds=4, seed=7, stream=i, streams=2) for i in (0, 1))
    assert not np.intersect1d(first, second).size


def test_poisson_gaps_are_exponential_and_constant_ones_are_not() -> None:
    from scipy import stats

    gaps = np.diff(due_times("poisson", rate=2000, seconds=10, seed=3))
    assert stats.kstest(gaps, "expon", args=(0, 1 / 2000)).pvalue > 0.01
    gaps = np.diff(due_times("constant", rate=2000, seconds=10))
    assert stats.kstest(gaps, "expon", args=(0, 1 / 2000)).pvalue < 0.01
