"""Share tests: right systems are almost never called wrong, wrong ones almost always."""

from __future__ import annotations

import importlib
import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.statistics import (
    ALPHA,
    POWER,
    binomial_p,
    finds_off_by,
    interval,
    sample_size,
    share,
    share_at_most,
    shares,
)


@pytest.fixture(scope="module")
def stats() -> Any:
    """An independent implementation, slow to import: only the worker that needs it does."""
    return importlib.import_module("scipy.stats")


@pytest.mark.parametrize(
    ("count", "n", "expected"),
    [(100, 1000, 0.1), (140, 1000, 0.1), (3, 20, 0.5), (0, 2000, 0.01), (65, 100, 0.5), (9, 9, 0.9)],
)
def test_exact_tests_agree_with_scipy_s(stats: Any, count: int, n: int, expected: float) -> None:
    theirs = stats.binomtest(count, n, expected)
    assert binomial_p(count, n, expected) == pytest.approx(theirs.pvalue, rel=1e-9)
    assert interval(count, n, 0.999) == pytest.approx(tuple(theirs.proportion_ci(0.999)), abs=1e-9)
    assert share(count, n, expected).p == binomial_p(count, n, expected)


def test_spreads_agree_with_scipy_s(stats: Any) -> None:
    found = shares({"a": 90, "b": 110, "c": 100}, {"a": 0.4, "b": 0.3, "c": 0.3})
    assert found.p == pytest.approx(stats.chisquare([90, 110, 100], [120, 90, 90]).pvalue, rel=1e-9)


def drawn(n: int, p: float, seed: int) -> int:
    source = random.Random(seed)
    return sum(source.random() < p for _ in range(n))


@settings(deadline=None, max_examples=100, derandomize=True)
@given(st.integers(0, 2**32), st.sampled_from([0.01, 0.1, 0.3, 0.5, 0.9]))
def test_a_right_split_holds(seed: int, p: float) -> None:
    assert share(drawn(800, p, seed), 800, p).holds


@pytest.mark.parametrize("p", [0.01, 0.1, 0.5])
def test_a_right_split_is_refuted_no_more_often_than_alpha_says(stats: Any, p: float) -> None:
    n, alpha = 120, 0.01
    refuted = [count for count in range(n + 1) if not share(count, n, p, alpha).holds]
    assert 0 < stats.binom.pmf(refuted, n, p).sum() <= alpha


def test_even_spreads_are_refuted_about_as_often_as_alpha_says() -> None:
    source = random.Random(7)
    even, alpha, runs = {"a": 1 / 3, "b": 1 / 3, "c": 1 / 3}, 0.05, 1000
    refuted = sum(not shares(Counter(source.choices("abc", k=300)), even, alpha).holds for _ in range(runs))
    assert 0.02 * runs < refuted < 0.08 * runs


@pytest.mark.parametrize(("expected", "off_by"), [(0.1, 0.15), (0.5, 0.2), (0.01, 0.1)])
def test_a_sample_of_the_stated_size_finds_the_stated_difference(stats: Any, expected: float, off_by: float) -> None:
    alpha, power = 0.001, 0.99
    n = sample_size(expected, off_by, alpha=alpha, power=power)
    for other in (expected - off_by, expected + off_by):
        if 0 < other < 1:
            refuted = [count for count in range(n + 1) if not share(count, n, expected, alpha).holds]
            assert stats.binom.pmf(refuted, n, other).sum() > power - 0.01


@settings(deadline=None, max_examples=50, derandomize=True)
@given(st.integers(0, 2**32))
def test_a_split_of_63_to_37_is_never_taken_for_70_to_30(seed: int) -> None:
    n = sample_size(0.7, 0.07)
    assert not share(drawn(n, 0.63, seed), n, 0.7).holds


@pytest.mark.parametrize(("count", "expected"), [(1, 0.0), (99, 1.0)])
def test_none_and_all_admit_no_exception(count: int, expected: float) -> None:
    assert not share(count, 100, expected).holds
    assert share(round(100 * expected), 100, expected).holds


def test_uneven_spread_is_refuted_and_even_is_not() -> None:
    even = {"a": 1 / 3, "b": 1 / 3, "c": 1 / 3}
    assert shares({"a": 110, "b": 95, "c": 95}, even).holds
    assert not shares({"a": 150, "b": 75, "c": 75}, even).holds
    assert not shares({"a": 200, "b": 100}, even).holds


def test_a_stranger_refutes_any_spread() -> None:
    test = shares({"a": 50, "b": 50, "x": 1}, {"a": 0.5, "b": 0.5})
    assert not test.holds
    assert "unexpected: x" in test.told


def test_the_numbers_are_stated() -> None:
    told = share(95, 1000, 0.1).as_statistics()
    assert told == {
        "n": 1000,
        "alpha": ALPHA,
        "p": pytest.approx(0.6, abs=0.1),
        "counted": 95,
        "power": POWER,
        "finds shares off by": pytest.approx(0.074, abs=0.001),
    }
    spread = shares({"a": 60, "b": 40}, {"a": 0.5, "b": 0.5}, alpha=0.01).as_statistics()
    assert spread == {"n": 100, "alpha": 0.01, "p": pytest.approx(0.0455, abs=1e-3), "counted a": 60, "counted b": 40}
    assert share(95, 1000, 0.1).alpha == ALPHA
    low, high = interval(95, 1000, 0.999)
    assert low < 0.095 < high


@pytest.mark.parametrize(("expected", "off_by"), [(0.1, 0.05), (0.5, 0.2), (0.01, 0.02), (0.2, 0.08)])
def test_what_a_sample_finds_is_what_it_was_chosen_for(expected: float, off_by: float) -> None:
    assert finds_off_by(sample_size(expected, off_by), expected) == pytest.approx(off_by, rel=0.01)


def test_a_leak_is_found_by_the_first_request_that_goes_astray() -> None:
    found = finds_off_by(1000, 0.0)
    assert found is not None
    assert 1 - (1 - found) ** 1000 == pytest.approx(POWER)
    assert finds_off_by(1000, 1.0) == found


def test_too_few_requests_find_nothing_for_certain() -> None:
    assert finds_off_by(3, 0.5) is None
    assert "power" not in share(2, 3, 0.5).as_statistics()


def test_at_most_a_share_is_refuted_from_above_alone(stats: Any) -> None:
    assert share_at_most(0, 1000, 0.2).holds
    assert share_at_most(100, 1000, 0.2).holds
    assert share_at_most(200, 1000, 0.2).holds
    assert not share_at_most(270, 1000, 0.2).holds
    for count in (1, 180, 230, 1000):
        expected = stats.binom.sf(count - 1, 1000, 0.2)
        assert share_at_most(count, 1000, 0.2).p == pytest.approx(expected, rel=1e-6)
