"""Share tests: right systems are almost never called wrong, wrong ones almost always."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.statistics import ALPHA, interval, sample_size, share, shares


def drawn(n: int, p: float, seed: int) -> int:
    source = random.Random(seed)
    return sum(source.random() < p for _ in range(n))


@settings(deadline=None, max_examples=100, derandomize=True)
@given(st.integers(0, 2**32), st.sampled_from([0.01, 0.1, 0.3, 0.5, 0.9]))
def test_a_right_split_holds(seed: int, p: float) -> None:
    assert share(drawn(800, p, seed), 800, p).holds


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
    assert share(95, 1000, 0.1).as_statistics().keys() == {"n", "alpha", "p"}
    assert share(95, 1000, 0.1).alpha == ALPHA
    low, high = interval(95, 1000, 0.999)
    assert low < 0.095 < high
