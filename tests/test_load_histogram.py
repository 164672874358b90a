"""Histograms: HdrHistogram's own counts, and a merge that equals one histogram of all."""

from __future__ import annotations

import numpy as np
from hdrh.histogram import HdrHistogram
from hypothesis import given, settings
from hypothesis import strategies as st

from loadprofiles.engine.histogram import COUNTERS, HIGHEST, Histogram, merged

latencies = st.lists(st.integers(0, HIGHEST), max_size=60)


@settings(deadline=None, max_examples=60)
@given(latencies)
def test_counts_are_those_of_the_library(microseconds: list[int]) -> None:
    ours, theirs = Histogram(), HdrHistogram(1, HIGHEST, 3)
    ours.record([value / 1e6 for value in microseconds])
    for value in microseconds:
        theirs.record_value(value)
    assert np.array_equal(ours.counts, np.array(theirs.counts))
    for share in (0.5, 0.99):
        assert round(ours.quantile(share) * 1e6) == theirs.get_value_at_percentile(share * 100)


@settings(deadline=None, max_examples=40)
@given(st.lists(latencies, max_size=5))
def test_a_merge_equals_one_histogram_of_all(parts: list[list[int]]) -> None:
    histograms = []
    for part in parts:
        histograms.append(Histogram())
        histograms[-1].record([value / 1e6 for value in part])
    everything = Histogram()
    everything.record([value / 1e6 for part in parts for value in part])
    sent = [Histogram.decode(histogram.encode()) for histogram in histograms]
    assert merged(sent).encode() == everything.encode()
    assert np.array_equal(merged(sent).counts, everything.counts)


def test_one_lost_part_is_seen() -> None:
    parts = [Histogram(), Histogram()]
    for part in parts:
        part.record([0.001, 0.002])
    assert merged(parts[:1]).total != merged(parts).total


def test_what_others_read_is_what_was_recorded() -> None:
    ours = Histogram()
    ours.record([0.000137] * 99 + [1.5])
    theirs = HdrHistogram.decode(ours.encode())
    assert theirs.get_total_count() == 100
    assert theirs.get_value_at_percentile(50) == 137
    assert abs(theirs.get_max_value() / 1_500_000 - 1) < 0.001


def test_beyond_the_range_counts_as_the_range_and_before_it_as_nothing() -> None:
    ours = Histogram()
    ours.record([-1.0, 1e9])
    assert ours.total == 2
    assert ours.counts[0] == 1
    assert ours.counts.size == COUNTERS
    assert Histogram().quantile(0.99) == 0.0
