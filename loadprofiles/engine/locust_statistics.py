"""Locust's own statistics, told in batches.

Firing Locust's ``request`` event costs some microseconds per request, most of what a whole request costs here; its
entries are filled with the same counts at once, so that its console, CSV files and web page show what is going on.
They round to 1 ms below 100 ms and to 2 digits above: figures come from our histograms, never from here.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt
from locust.stats import RequestStats, StatsError, bucket_response_time

METHOD = "GET"


def tell(stats: RequestStats, name: str, latencies: npt.NDArray[np.float64], failures: Counter[str]) -> None:
    """Count a batch of answers (seconds) and failures under ``name``."""
    for entry in (stats.get(name, METHOD), stats.total):
        _count(entry, latencies * 1000, sum(failures.values()))
    for kind, count in failures.items():
        key = StatsError.create_key(METHOD, name, kind)
        error = stats.errors.get(key)
        if error is None:
            error = stats.errors[key] = StatsError(METHOD, name, kind)
        error.occurrences += count


def _count(entry: Any, milliseconds: npt.NDArray[np.float64], failed: int) -> None:
    now = time.time()
    count = milliseconds.size + failed
    entry.num_requests += count
    entry.num_reqs_per_sec[int(now)] += count
    entry.last_request_timestamp = now
    if failed:
        entry.num_failures += failed
        entry.num_fail_per_sec[int(now)] += failed
        entry.num_none_requests += failed
    if milliseconds.size:
        entry.total_response_time += float(milliseconds.sum())
        low, high = float(np.min(milliseconds)), float(np.max(milliseconds))
        entry.min_response_time = low if entry.min_response_time is None else min(entry.min_response_time, low)
        entry.max_response_time = max(entry.max_response_time, high)
        for value, times in zip(*np.unique(np.rint(milliseconds), return_counts=True), strict=True):
            entry.response_times[bucket_response_time(float(value))] += int(times)
