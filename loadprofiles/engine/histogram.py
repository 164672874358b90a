"""Latencies in whole microseconds with three significant digits: an HdrHistogram, filled in batches.

Counts live in a numpy array with HdrHistogram's own index, so a batch costs a few array operations instead of a call
per request; encoding and decoding are the library's, so that any HdrHistogram tool reads what we write.
https://github.com/HdrHistogram/HdrHistogram
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

import numpy as np
import numpy.typing as npt
from hdrh.histogram import HdrHistogram

DIGITS = 3
HIGHEST = 3_600_000_000
"""Microseconds (an hour); longer ones count as this."""

_SUB_BUCKETS = 2048
_HALF_MAGNITUDE = 10
_HALF = 1 << _HALF_MAGNITUDE

Counts = npt.NDArray[np.int64]


def _empty() -> HdrHistogram:
    return HdrHistogram(1, HIGHEST, DIGITS)


COUNTERS = int(_empty().counts_len)


def indexes(microseconds: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Index of each value's counter."""
    _, exponents = np.frexp(microseconds | (_SUB_BUCKETS - 1))
    buckets = exponents.astype(np.int64) - (_HALF_MAGNITUDE + 1)
    result: npt.NDArray[np.int64] = (buckets << _HALF_MAGNITUDE) + (microseconds >> buckets)
    return result


def _highest_equivalents() -> npt.NDArray[np.int64]:
    index = np.arange(COUNTERS, dtype=np.int64)
    bucket = (index >> _HALF_MAGNITUDE) - 1
    sub = (index & (_HALF - 1)) + _HALF
    low = bucket < 0
    sub[low] -= _HALF
    bucket[low] = 0
    return (sub << bucket) + (np.int64(1) << bucket) - 1


UPPER = _highest_equivalents()
"""Counter → the highest value that it counts, in microseconds: what a quantile reports, as HdrHistogram does."""


class Histogram:
    """Counts of microseconds."""

    __slots__ = ("counts",)

    def __init__(self, counts: Counts | None = None) -> None:
        self.counts: Counts = np.zeros(COUNTERS, dtype=np.int64) if counts is None else counts

    def record(self, seconds: Iterable[float] | npt.NDArray[np.float64]) -> None:
        """Count these latencies, given in seconds; negative ones count as 0."""
        values = np.asarray(seconds if isinstance(seconds, np.ndarray) else list(seconds), dtype=np.float64)
        if values.size:
            np.add.at(self.counts, indexes(whole_microseconds(values)), 1)

    def add(self, other: Histogram) -> None:
        """Count what ``other`` counted."""
        self.counts += other.counts

    @property
    def total(self) -> int:
        return int(self.counts.sum())

    def quantile(self, share: float) -> float:
        """Seconds below or at which ``share`` (0 to 1) of the values are; 0 when there are none."""
        total = self.total
        if not total:
            return 0.0
        rank = max(1, int(np.ceil(share * total - 1e-9)))
        return float(UPPER[np.searchsorted(np.cumsum(self.counts), rank)]) / 1e6

    @property
    def largest(self) -> float:
        """Seconds of the largest value, to the counter's precision."""
        return self.quantile(1.0)

    def encode(self) -> str:
        """HdrHistogram's V2 compressed form in base64."""
        histogram = _empty()
        counters = np.frombuffer(histogram.counts, dtype=np.int64)
        counters[:] = self.counts
        used = np.flatnonzero(self.counts)
        if used.size:
            histogram.set_internal_tacking_values(int(used[0]), int(used[-1]), self.total)
        return bytes(histogram.encode()).decode("ascii")

    @classmethod
    def decode(cls, text: str) -> Self:
        """What `encode` wrote."""
        histogram = HdrHistogram.decode(text)
        counts = np.zeros(COUNTERS, dtype=np.int64)
        counters = np.array(histogram.counts, dtype=np.int64)
        counts[: counters.size] = counters
        return cls(counts)


def whole_microseconds(seconds: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Seconds as the whole microseconds that are counted."""
    return np.clip(np.rint(seconds * 1e6), 0, HIGHEST).astype(np.int64)


def merged(histograms: Iterable[Histogram]) -> Histogram:
    """One histogram of all."""
    result = Histogram()
    for histogram in histograms:
        result.add(histogram)
    return result
