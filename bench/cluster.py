"""How long a cluster takes to come up and to go, and what memory it takes, with caches warm."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence

import msgspec
import psutil

import clusters
from clusters.progress import Progress
from clusters.provider import ClusterSpec, Mode

MODES: tuple[Mode, ...] = ("iptables", "nftables")


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """One cluster's life."""

    provider: str
    mode: Mode
    create_seconds: float
    delete_seconds: float
    memory_bytes: int
    """Proportional set size of every process of the cluster, its pods among them."""
    timeline: dict[str, float]
    """Step of the start-up → seconds since its start."""


def one_round(provider: str, mode: Mode, controllers: Sequence[str], nodes: int, progress: Progress) -> Round:
    """Create a cluster, weigh it, delete it."""
    before = {process.pid for process in psutil.process_iter()}
    began = time.monotonic()
    cluster = clusters.create(
        ClusterSpec(name=f"bench-{mode}", provider=provider, mode=mode, nodes=nodes, controllers=list(controllers)),
        progress,
    )
    created = time.monotonic() - began
    memory = proportional_memory(before)
    began = time.monotonic()
    clusters.delete(cluster.name)
    return Round(
        provider=provider,
        mode=mode,
        create_seconds=created,
        delete_seconds=time.monotonic() - began,
        memory_bytes=memory,
        timeline=cluster.timings,
    )


def proportional_memory(before: set[int]) -> int:
    """Bytes of all processes that were not there ``before`` (pages that several share are counted once in all)."""
    total = 0
    for process in psutil.process_iter():
        if process.pid in before:
            continue
        try:
            total += process.memory_full_info().pss
        except psutil.Error:
            continue
    return total


def spread(values: Sequence[float], unit: str) -> str:
    """Minimum, median and maximum, in words."""
    return f"{statistics.median(values):.2f} {unit} (from {min(values):.2f} to {max(values):.2f}, {len(values)} rounds)"
