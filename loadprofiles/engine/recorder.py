"""Takes times from the loops and sorts them into blocks of the measured window.

The loops only append floats; every few thousand of them are counted at once with numpy. What lies outside the window
(warm-up, and what ends after it) is counted in the totals only.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable
from typing import Protocol

import numpy as np
import numpy.typing as npt

from loadprofiles.engine.histogram import COUNTERS, Histogram, indexes, whole_microseconds
from loadprofiles.engine.plan import Plan

Floats = npt.NDArray[np.float64]


class Listener(Protocol):
    """Hears of everything that ended, in batches: Locust's own statistics."""

    def __call__(self, latencies: Floats, failures: Counter[str]) -> None: ...


def nobody(latencies: Floats, failures: Counter[str]) -> None:
    """A `Listener` that does not listen."""


class Recorder:
    """What has been measured so far."""

    def __init__(self, plan: Plan, listener: Listener = nobody) -> None:
        self._plan = plan
        self._open = plan.shape == "arrival-rate"
        self._listener = listener
        self.begin = 0.0
        self.end = 0.0
        self._at = array("d")
        self._latency = array("d")
        self._lag_at = array("d")
        self._lag = array("d")
        self._failures: list[tuple[float, str]] = []
        self.at: Callable[[float], None] = self._at.append
        """What decides a request's block: when it was due (arrival rate), when it ended (saturation)."""
        self.latency: Callable[[float], None] = self._latency.append
        """Called together with `at`, once per answer."""
        self.lag_at: Callable[[float], None] = self._lag_at.append
        self.lag: Callable[[float], None] = self._lag.append
        """Actual minus intended send time; called together with `lag_at`, the intended one."""
        self._counts = np.zeros((plan.blocks, COUNTERS), dtype=np.int64)
        self.completions = np.zeros(plan.blocks, dtype=np.int64)
        self.lags = Histogram()
        self.errors: Counter[str] = Counter()
        self.statuses: Counter[str] = Counter()
        self.answered_total = 0
        self.failed_total = 0

    def start(self, now: float) -> None:
        """The load starts now; the measured window follows the warm-up."""
        self.begin = now + self._plan.warmup_seconds
        self.end = self.begin + self._plan.seconds

    def failed(self, at: float, kind: str, status: int = 0) -> None:
        """A request failed; ``at`` as in `at`."""
        self._failures.append((at, kind))
        if status and self.begin <= at < self.end:
            self.statuses[str(status)] += 1

    def flush(self) -> None:
        """Count what has been appended."""
        failures: Counter[str] = Counter()
        for ended, kind in self._failures:
            failures[kind] += 1
            if self.begin <= ended < self.end:
                self.errors[kind] += 1
        self.failed_total += len(self._failures)
        self._failures.clear()
        if self._lag:
            at, lag = np.frombuffer(self._lag_at), np.frombuffer(self._lag)
            self.lags.record(lag[(at >= self.begin) & (at < self.end)])
            del at, lag  # an array cannot shrink while numpy looks at it
            del self._lag_at[:]
            del self._lag[:]
        if self._latency:
            self._count_answers(failures)
            del self._at[:]
            del self._latency[:]
        elif failures:
            self._listener(np.empty(0), failures)

    def _count_answers(self, failures: Counter[str]) -> None:
        at, latency = np.frombuffer(self._at), np.frombuffer(self._latency)
        self.answered_total += latency.size
        inside = (at >= self.begin) & (at < self.end)
        block = self._blocks(at[inside])
        np.add.at(self._counts, (block, indexes(whole_microseconds(latency[inside]))), 1)
        if self._open:
            finish = at + latency
            block = self._blocks(finish[(finish >= self.begin) & (finish < self.end)])
        self.completions += np.bincount(block, minlength=self._plan.blocks)
        self._listener(latency, failures)

    def _blocks(self, at: Floats) -> npt.NDArray[np.int64]:
        blocks = self._plan.blocks
        index: npt.NDArray[np.int64] = ((at - self.begin) * (blocks / self._plan.seconds)).astype(np.int64)
        return np.minimum(index, blocks - 1)

    @property
    def answered(self) -> int:
        """Answers of the measured window."""
        return int(self._counts.sum())

    def latencies(self) -> list[Histogram]:
        """A histogram per block."""
        return [Histogram(counts) for counts in self._counts]
